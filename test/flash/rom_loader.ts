/**
 * A simulated ESP32: its ROM loader, the stub that is uploaded to it, and what it does after a reset. It speaks the
 * protocol that Espressif documents (esptool, "Serial Protocol"); where the documentation is silent it does what the
 * stub's source does. test/flash/esptool.test.ts has Espressif's own esptool flash it.
 */
import {
  ok,
  romBadChecksum,
  romFailed,
  romInvalid,
  type Status,
  stubBadChecksum,
  stubBadLength,
  stubFlashFailed,
  stubNotFlashing,
  stubUnknown,
} from "./loader_status.js";
import { FlashReader, ImageWriter } from "./simulated_flash_work.js";
import { SimulatedNorFlash } from "./simulated_nor_flash.js";
import { type SimulatedChipName, SimulatedRegisters, simulatedChips } from "./simulated_registers.js";
import { SlipDecoder, slipEncode } from "./slip.js";

export interface SimulatedChipOptions {
  readonly kind?: SimulatedChipName;
  readonly flashBytes?: number;
  /** RDID's answer, where it is not that of a flash of `flashBytes`. */
  readonly flashId?: number;
  /** Chip id of GET_SECURITY_INFO, where it is not the kind's own. */
  readonly reportsImageId?: number;
  /** Flags of GET_SECURITY_INFO. */
  readonly securityFlags?: number;
  /** Starts in download mode, as with the BOOT button held; otherwise runs what the flash holds. */
  readonly download?: boolean;
  /** What it says where it runs its firmware, after the boot log. */
  readonly onStart?: (chip: SimulatedChip) => void;
}

const op = {
  flashBegin: 0x02,
  flashData: 0x03,
  flashEnd: 0x04,
  memoryBegin: 0x05,
  memoryEnd: 0x06,
  memoryData: 0x07,
  sync: 0x08,
  writeRegister: 0x09,
  readRegister: 0x0a,
  spiSetParameters: 0x0b,
  spiAttach: 0x0d,
  changeBaudRate: 0x0f,
  deflateBegin: 0x10,
  deflateData: 0x11,
  deflateEnd: 0x12,
  md5: 0x13,
  securityInfo: 0x14,
  eraseFlash: 0xd0,
  eraseRegion: 0xd1,
  readFlash: 0xd2,
} as const;

interface Answer {
  readonly status: Status;
  readonly value?: number;
  readonly data?: Uint8Array;
  /** Done once the answer is out. */
  readonly afterwards?: () => void;
}

export class SimulatedChip {
  readonly kind: (typeof simulatedChips)[SimulatedChipName];
  readonly flash: SimulatedNorFlash;
  /** Sends bytes to the host; set by whatever carries them. */
  send: (bytes: Uint8Array) => void = () => {};
  /** Hears the host while the chip runs its firmware; `onStart` sets it. */
  firmware: (bytes: Uint8Array) => void = () => {};
  /** What it is doing. */
  state: "held in reset" | "ROM" | "stub" | "firmware" = "ROM";
  /** Rate of its UART; the ROM takes the host's. */
  baudRate = 115_200;
  /** Set by the line, for the ROM's detection of the rate. */
  hostBaudRate = 115_200;
  /** Commands that were carried out, by number. */
  readonly commands: number[] = [];
  resets = 0;
  /** How often a stub was started, ever. */
  stubUploads = 0;
  #rateIsOpen = true;
  readonly #options: SimulatedChipOptions;
  readonly #registers: SimulatedRegisters;
  readonly #slip = new SlipDecoder();
  #memory: { start: number; expected: number; received: number }[] = [];
  #writing: ImageWriter | null = null;
  #reading: FlashReader | null = null;

  constructor(options: SimulatedChipOptions = {}) {
    this.#options = options;
    this.kind = simulatedChips[options.kind ?? "esp32"];
    const flashBytes = options.flashBytes ?? 4 << 20;
    this.flash = new SimulatedNorFlash(flashBytes);
    const id = options.flashId ?? 0x40ef | (Math.log2(flashBytes) << 16);
    this.#registers = new SimulatedRegisters(this.kind, id);
    this.reset(options.download ?? false);
  }

  /** Holds EN low. */
  hold(): void {
    this.state = "held in reset";
    this.#forget();
  }

  /** EN goes high; @param download whether IO0 is low */
  reset(download: boolean): void {
    this.#forget();
    this.resets++;
    this.baudRate = 115_200;
    const mode = download ? "0x3 (DOWNLOAD_BOOT(UART0))" : "0x13 (SPI_FAST_FLASH_BOOT)";
    this.say(`ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:${mode}\r\n`);
    if (download) {
      this.state = "ROM";
      this.say("waiting for download\r\n");
      return;
    }
    this.state = "firmware";
    const magic = this.flash.content[this.kind.bootLoaderOffset];
    if (magic !== 0xe9) this.say(`invalid header: 0x${(magic ?? 0).toString(16).repeat(4)}\r\n`.repeat(3));
    else this.#options.onStart?.(this);
  }

  say(text: string): void {
    this.send(Buffer.from(text, "latin1"));
  }

  /** Whether it still adopts whatever rate the host sends at, as the ROM does until it is greeted. */
  get detectsRate(): boolean {
    return this.state === "ROM" && this.#rateIsOpen;
  }

  /** Bytes from the host, as they arrive. */
  receive(bytes: Uint8Array): void {
    if (this.state === "firmware") this.firmware(bytes);
    if (this.state !== "ROM" && this.state !== "stub") return;
    if (this.#rateIsOpen) this.baudRate = this.hostBaudRate;
    for (const packet of this.#slip.push(bytes)) this.#packet(packet);
  }

  #forget(): void {
    this.#slip.reset();
    this.#memory = [];
    this.#writing = null;
    this.#reading = null;
    this.#rateIsOpen = true;
  }

  get #isStub(): boolean {
    return this.state === "stub";
  }

  #packet(packet: Uint8Array): void {
    if (this.#reading !== null) {
      if (this.#reading.acknowledge(packet)) this.#read();
      else this.#reading = null;
      return;
    }
    if (packet.length < 8 || packet[0] !== 0) return;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    const command = packet[1] ?? 0;
    const data = packet.subarray(8);
    const broken = this.#broken(command, data, view.getUint16(2, true), view.getUint32(4, true));
    const answer = broken === null ? this.#do(command, data) : { status: broken };
    if (answer === null && !this.#isStub) {
      // The ROM answers a command that it does not know eight times, and under another number.
      for (let time = 0; time < 8; time++) this.#answer(0, { status: romInvalid });
      return;
    }
    if (broken === null) {
      this.commands.push(command);
      this.#rateIsOpen = false;
    }
    for (let time = command === op.sync ? 8 : 1; time > 0; time--) {
      this.#answer(command, answer ?? { status: stubUnknown });
    }
    answer?.afterwards?.();
  }

  /** Wrong length, or wrong checksum of a block. */
  #broken(command: number, data: Uint8Array, length: number, checksum: number): Status | null {
    if (length !== data.length) return this.#isStub ? stubBadLength : romInvalid;
    if (command !== op.flashData && command !== op.deflateData && command !== op.memoryData) return null;
    if (data.subarray(16).reduce((sum, byte) => sum ^ byte, 0xef) === checksum) return null;
    return this.#isStub ? stubBadChecksum : romBadChecksum;
  }

  #answer(command: number, { status, value = 0, data = new Uint8Array(0) }: Answer): void {
    const statusBytes = this.#isStub ? 2 : 4;
    const packet = new Uint8Array(8 + data.length + statusBytes);
    const view = new DataView(packet.buffer);
    packet.set([1, command]);
    view.setUint16(2, data.length + statusBytes, true);
    view.setUint32(4, value, true);
    packet.set(data, 8);
    packet.set(status, 8 + data.length);
    this.send(slipEncode(packet));
  }

  /** @returns null for a command that this loader does not have */
  #do(command: number, data: Uint8Array): Answer | null {
    const words = wordsOf(data);
    const [first = 0, second = 0, third = 0, fourth = 0] = words;
    switch (command) {
      case op.sync:
        return { status: data.length === 36 ? ok : romInvalid, value: this.#isStub ? 0 : 0x20120707 };
      case op.readRegister:
        return { status: ok, value: this.#registers.read(first) };
      case op.writeRegister:
        if (data.length % 16 !== 0 || data.length === 0)
          return { status: this.#isStub ? stubBadLength : romInvalid };
        for (let at = 0; at < words.length; at += 4) {
          this.#registers.write(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0);
        }
        return { status: ok };
      case op.spiSetParameters:
        return { status: data.length === 24 ? ok : romInvalid };
      case op.spiAttach:
        return { status: data.length === (this.#isStub ? 4 : 8) ? ok : romInvalid };
      case op.changeBaudRate:
        return {
          status: data.length === 8 ? ok : romInvalid,
          afterwards: () => {
            this.baudRate = first;
          },
        };
      case op.memoryBegin:
        this.#memory.push({ start: fourth, expected: first, received: 0 });
        return { status: ok };
      case op.memoryData:
        return this.#memoryData(first);
      case op.memoryEnd:
        return this.#memoryEnd(first, second);
      case op.flashBegin:
      case op.deflateBegin:
        return this.#begin(command, data.length, first, third * second, fourth);
      case op.flashData:
      case op.deflateData:
        return this.#data(command, first, data.subarray(16));
      case op.flashEnd:
      case op.deflateEnd:
        return this.#end(first === 0);
      case op.md5: {
        if (first + second > this.flash.content.length)
          return { status: this.#isStub ? stubFlashFailed : romFailed };
        const digest = this.flash.md5(first, second);
        return { status: ok, data: this.#isStub ? digest : Buffer.from(digest.toString("hex")) };
      }
      case op.securityInfo:
        return this.kind.securityInfoBytes === 0 ? null : { status: ok, data: this.#securityInfo() };
      case op.eraseFlash:
        if (!this.#isStub) return null;
        return { status: this.flash.erase(0, this.flash.content.length) ? ok : stubFlashFailed };
      case op.eraseRegion:
        if (!this.#isStub) return null;
        return { status: this.flash.erase(first, second) ? ok : stubFlashFailed };
      case op.readFlash:
        if (!this.#isStub) return null;
        if (data.length !== 16 || first + second > this.flash.content.length)
          return { status: stubBadLength };
        return {
          status: ok,
          afterwards: () => {
            this.#reading = new FlashReader(this.flash, first, second, third, fourth);
            this.#read();
          },
        };
      default:
        return null;
    }
  }

  #memoryData(length: number): Answer {
    const segment = this.#memory.at(-1);
    if (segment === undefined) return { status: this.#isStub ? stubNotFlashing : romFailed };
    segment.received += length;
    return { status: ok };
  }

  /** Runs what was uploaded: it is the stub, if it came whole and begins within itself. */
  #memoryEnd(stay: number, entry: number): Answer {
    if (stay !== 0) return { status: ok };
    const whole = this.#memory.every(({ expected, received }) => expected === received);
    const within = this.#memory.some(({ start, expected }) => entry >= start && entry < start + expected);
    if (!whole || !within) return { status: romFailed };
    return {
      status: ok,
      afterwards: () => {
        this.state = "stub";
        this.stubUploads++;
        this.send(slipEncode(Buffer.from("OHAI")));
      },
    };
  }

  #begin(command: number, length: number, size: number, blocks: number, offset: number): Answer {
    const lengths = this.#isStub ? [16, 20] : [this.kind.name === "ESP32" ? 16 : 20];
    if (!lengths.includes(length)) return { status: this.#isStub ? stubBadLength : romInvalid };
    const compressed = command === op.deflateBegin;
    const total = compressed ? size : blocks;
    // The ROM erases before it answers, the stub as it writes.
    if (!this.#isStub && !this.flash.erase(offset, size)) return { status: romFailed };
    this.#writing = new ImageWriter(this.flash, offset, total, compressed, this.#isStub);
    return { status: ok };
  }

  #data(command: number, length: number, block: Uint8Array): Answer {
    const writing = this.#writing;
    if (writing === null || writing.isCompressed !== (command === op.deflateData)) {
      return { status: this.#isStub ? stubNotFlashing : romFailed };
    }
    if (length !== block.length) return { status: this.#isStub ? stubBadLength : romInvalid };
    // The stub acknowledges a block before it writes it, so a failure is told of with the next one.
    if (this.#isStub) {
      const { failure } = writing;
      return { status: failure ?? ok, afterwards: () => writing.take(block) };
    }
    writing.take(block);
    return { status: writing.failure ?? ok };
  }

  #end(restart: boolean): Answer {
    const writing = this.#writing;
    if (writing === null) return { status: this.#isStub ? stubNotFlashing : romFailed };
    this.#writing = null;
    // The strapping pins are as they were: a chip that came into download mode by its button stays there.
    const afterwards = restart ? () => this.reset(this.#options.download ?? false) : () => {};
    return { status: writing.failure ?? ok, afterwards };
  }

  #read(): void {
    for (const packet of this.#reading?.packets() ?? []) this.send(packet);
    if (this.#reading?.isOver === true) this.#reading = null;
  }

  #securityInfo(): Uint8Array {
    const info = new Uint8Array(this.kind.securityInfoBytes);
    const view = new DataView(info.buffer);
    view.setUint32(0, this.#options.securityFlags ?? 0, true);
    if (info.length === 20) view.setUint32(12, this.#options.reportsImageId ?? this.kind.imageId, true);
    return info;
  }
}

function wordsOf(data: Uint8Array): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from({ length: Math.floor(data.length / 4) }, (_, index) => view.getUint32(index * 4, true));
}
