/**
 * Espressif's loader with what its JavaScript version (esptool-js 0.7.0) does otherwise than its Python version:
 * how many words the ROMs' commands take, and the form of the ROMs' MD5. The stub is spoken to as esptool-js does.
 */
import { ClassicReset, ESPLoader, type ResetStrategy, UsbJtagSerialReset } from "esptool-js";
import type { WebSerialPort } from "../transport/web_serial.js";
import type { LoaderTransport } from "./loader_transport.js";

/** What every ROM speaks at first. */
export const romBaudRate = 115_200;
/** Longest block that ROM loaders take (esptool, ESPLoader.FLASH_WRITE_SIZE). */
const romBlockBytes = 0x400;
const spiSetParameters = 0x0b;
/** Milliseconds from the release of EN to the release of IO0: a short one, and one for boards with a large capacitor. */
const resetDelays = [50, 550] as const;
/** Between two packets of a dump. */
const readMilliseconds = 5000;

const silentTerminal = { clean: () => {}, writeLine: () => {}, write: () => {} };

export class ChipLoader extends ESPLoader {
  readonly #transport: LoaderTransport;
  readonly #port: WebSerialPort;
  readonly #mayReset: boolean;
  #stubAnswered = false;

  /**
   * @param baudRate for the work after the connection is made
   * @param mayReset whether DTR and RTS may be used
   */
  constructor(transport: LoaderTransport, port: WebSerialPort, baudRate: number, mayReset: boolean) {
    super({ transport, baudrate: baudRate, romBaudrate: romBaudRate, terminal: silentTerminal });
    this.#transport = transport;
    this.#port = port;
    this.#mayReset = mayReset;
    this.FLASH_READ_TIMEOUT = readMilliseconds;
  }

  /** Whether a stub of an earlier connection answered; it has to be used then, as nothing brings the ROM back. */
  get stubWasRunning(): boolean {
    return this.#stubAnswered;
  }

  /** A ROM answers with a value, a stub with zero. */
  override async sync(): Promise<[number, Uint8Array]> {
    const answer = await super.sync();
    this.#stubAnswered = answer[0] === 0;
    return answer;
  }

  /** Has the ROM do the work, for chips whose stub does not run. */
  async useRom(): Promise<void> {
    this.FLASH_WRITE_SIZE = romBlockBytes;
    await this.flashSpiAttach(0);
  }

  /** Tells the loader how large the flash is; it would not go beyond 2 or 16 MB. */
  async setFlashSize(bytes: number): Promise<void> {
    const parameters = [0, bytes, 0x10000, 0x1000, 0x100, 0xffff];
    await this.checkCommand("set the flash's parameters", spiSetParameters, words(parameters));
  }

  /** Both circuits are tried where the USB device behind the port is not known. */
  override constructResetSequence(): ResetStrategy[] {
    if (!this.#mayReset || !this.#port.hasControlLines) return [];
    const { usbVendorId, usbProductId } = this.#port.getInfo();
    const jtag = new UsbJtagSerialReset(this.#transport);
    if (usbVendorId === 0x303a && usbProductId === 0x1001) return [jtag];
    const classic = resetDelays.map((delay) => new ClassicReset(this.#transport, delay));
    return usbVendorId === undefined ? [...classic, jtag] : classic;
  }

  override async flashBegin(size: number, offset: number): Promise<number> {
    if (this.IS_STUB) return super.flashBegin(size, offset);
    const blocks = Math.ceil(size / this.FLASH_WRITE_SIZE);
    await this.#beginInRom(this.ESP_FLASH_BEGIN, [size, blocks, this.FLASH_WRITE_SIZE, offset]);
    return blocks;
  }

  override async flashDeflBegin(size: number, compressedSize: number, offset: number): Promise<number> {
    if (this.IS_STUB) return super.flashDeflBegin(size, compressedSize, offset);
    const blocks = Math.ceil(compressedSize / this.FLASH_WRITE_SIZE);
    const erased = Math.ceil(size / this.FLASH_WRITE_SIZE) * this.FLASH_WRITE_SIZE;
    await this.#beginInRom(this.ESP_FLASH_DEFL_BEGIN, [erased, blocks, this.FLASH_WRITE_SIZE, offset]);
    return blocks;
  }

  override async flashSpiAttach(pins: number): Promise<void> {
    if (this.IS_STUB) return super.flashSpiAttach(pins);
    await this.checkCommand("attach the flash", this.ESP_SPI_ATTACH, words([pins, 0]));
  }

  /** ROMs answer in hexadecimal, stubs in bytes. */
  override async flashMd5sum(offset: number, size: number): Promise<string> {
    const answer = await super.flashMd5sum(offset, size);
    return this.IS_STUB ? answer : Buffer.from(answer, "hex").toString("latin1").toLowerCase();
  }

  /** The ROM erases what is going to be written before it answers. */
  async #beginInRom(command: number, parameters: readonly number[]): Promise<void> {
    const [size = 0] = parameters;
    // The word that asks for encryption is not known to the first ROM.
    const all = this.chip.CHIP_NAME === "ESP32" ? parameters : [...parameters, 0];
    const timeout = this.timeoutPerMb(this.ERASE_REGION_TIMEOUT_PER_MB, size);
    await this.checkCommand("erase the flash", command, words(all), undefined, undefined, timeout);
  }
}

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}
