import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { choosePort, type PortWishes } from "../../host/board/choose_port.js";
import { describePorts, listPorts } from "../../host/board/ports.js";
import { listSysfsPorts } from "../../host/board/sysfs_ports.js";
import { usbText } from "../../host/descriptor/usb_id.js";
import { WamletError } from "../../host/errors.js";

const bridge = { vendorId: "10C4", productId: "EA60" };
const jtag = { vendorId: "303a", productId: "1001" };
const ports = describePorts([
  { path: "/dev/ttyUSB0", ...bridge, serialNumber: "0001", manufacturer: "Silicon Labs" },
  { path: "/dev/ttyACM0", ...jtag, serialNumber: "AA:BB" },
  { path: "/dev/ttyUSB7", vendorId: "dead", productId: "beef" },
]);

function attach(...paths: string[]): Pick<PortWishes, "list"> {
  return { list: async () => ports.filter(({ path }) => paths.includes(path)) };
}

async function refusal(wishes: PortWishes): Promise<WamletError> {
  const error: unknown = await choosePort(wishes).catch((reason: unknown) => reason);
  if (error instanceof WamletError) return error;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
}

describe("the listing of ports", () => {
  it("names the boards that a USB identity may be, whatever its case", () => {
    expect(ports.find(({ path }) => path === "/dev/ttyUSB0")).toEqual({
      path: "/dev/ttyUSB0",
      serialNumber: "0001",
      manufacturer: "Silicon Labs",
      usb: { vendor: 0x10c4, product: 0xea60 },
      description: "CP210x bridge",
      boards: ["esp32", "esp32c3", "esp32c6", "esp32s3"],
    });
    expect(ports.find(({ path }) => path === "/dev/ttyACM0")?.boards).toEqual([
      "esp32c3",
      "esp32c6",
      "esp32s3",
    ]);
  });

  it("keeps a device that no descriptor knows, without boards", () => {
    expect(ports.find(({ path }) => path === "/dev/ttyUSB7")).toMatchObject({
      boards: [],
      description: null,
    });
  });

  it("hides macOS's tty.* twins and Linux's empty ttyS*, and keeps everything else", () => {
    const paths = describePorts([
      { path: "/dev/tty.usbserial-0001", ...bridge },
      { path: "/dev/cu.usbserial-0001", ...bridge },
      { path: "/dev/ttyS4" },
      { path: "/dev/ttyAMA0" },
      { path: "COM10" },
      { path: "COM3" },
    ]).map(({ path }) => path);
    expect(paths).toEqual(["/dev/cu.usbserial-0001", "/dev/ttyAMA0", "COM3", "COM10"]);
  });

  it("writes USB identities as lsusb does", () => {
    expect(usbText({ vendor: 0x0403, product: 0x6010 })).toBe("0403:6010");
  });

  it("works on this machine, with or without udev", async () => {
    expect(Array.isArray(await listPorts())).toBe(true);
  });

  it("reads USB ttys from the kernel's tree where there is no udevadm", () => {
    const root = mkdtempSync(join(tmpdir(), "wamlet-sysfs-"));
    try {
      const device = join(root, "devices", "usb1", "1-2");
      const tty = join(device, "1-2:1.0", "ttyUSB3", "tty", "ttyUSB3");
      mkdirSync(tty, { recursive: true });
      for (const [file, text] of Object.entries({ idVendor: "10c4", idProduct: "ea60", serial: "0042" })) {
        writeFileSync(join(device, file), `${text}\n`);
      }
      symlinkSync(join(device, "1-2:1.0", "ttyUSB3"), join(tty, "device"));
      mkdirSync(join(root, "class", "tty"), { recursive: true });
      symlinkSync(tty, join(root, "class", "tty", "ttyUSB3"));
      mkdirSync(join(root, "class", "tty", "tty0"));
      const found = describePorts(listSysfsPorts(root));
      expect(found).toMatchObject([
        { path: "/dev/ttyUSB3", serialNumber: "0042", description: "CP210x bridge" },
      ]);
      expect(listSysfsPorts(join(root, "nowhere"))).toEqual([]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("the choice of a port", () => {
  it("goes from --port to WAMLET_PORT to the config to the only match", async () => {
    const all: PortWishes = {
      flag: "tcp://localhost:4000",
      environment: { WAMLET_PORT: "COM3" },
      config: { port: "emulator:esp32" },
      ...attach("/dev/ttyUSB0"),
    };
    expect(await choosePort(all)).toMatchObject({ url: "tcp://localhost:4000", chosenBy: "--port" });
    expect(await choosePort({ ...all, flag: undefined })).toMatchObject({
      url: "COM3",
      chosenBy: "WAMLET_PORT",
    });
    expect(await choosePort({ ...all, flag: undefined, environment: {} })).toMatchObject({
      url: "emulator:esp32",
      chosenBy: "wamlet.config.json",
    });
    expect(await choosePort(attach("/dev/ttyUSB0", "/dev/ttyUSB7"))).toMatchObject({
      url: "/dev/ttyUSB0",
      chosenBy: "the only match",
    });
  });

  it("takes an empty WAMLET_PORT for none", async () => {
    const choice = await choosePort({ environment: { WAMLET_PORT: " " }, ...attach("/dev/ttyUSB0") });
    expect(choice.chosenBy).toBe("the only match");
  });

  it("does not look at the machine's ports where a port is named", async () => {
    const list = async () => {
      throw new Error("looked");
    };
    expect((await choosePort({ flag: "COM9", list })).url).toBe("COM9");
  });

  it("never guesses between two", async () => {
    const error = await refusal(attach("/dev/ttyUSB0", "/dev/ttyACM0"));
    expect(error.code).toBe("WAMLET_PORT_AMBIGUOUS");
    expect(error.message).toContain("/dev/ttyUSB0 (CP210x bridge, 10c4:ea60, serial 0001)");
    expect(error.message).toContain("/dev/ttyACM0");
    expect(error.hint).toContain("--port");
  });

  it("counts only devices that may be the wanted board", async () => {
    const both = attach("/dev/ttyUSB0", "/dev/ttyACM0");
    expect((await choosePort({ ...both, board: "esp32" })).url).toBe("/dev/ttyUSB0");
    expect((await refusal({ ...both, board: "esp32c3" })).code).toBe("WAMLET_PORT_AMBIGUOUS");
    expect((await refusal({ ...both, board: "nrf52840" })).message).toMatch(/that may be nrf52840 .*ttyUSB0/);
  });

  it("with nothing attached names the virtual board, with unknown devices lists them", async () => {
    const nothing = await refusal(attach());
    expect(nothing.code).toBe("WAMLET_PORT_NOT_FOUND");
    expect(nothing.hint).toContain("emulator:esp32");
    expect((await refusal(attach("/dev/ttyUSB7"))).message).toContain("/dev/ttyUSB7 (dead:beef)");
  });

  it("follows a device by its serial number", async () => {
    const both = attach("/dev/ttyUSB0", "/dev/ttyACM0");
    expect(await choosePort({ flag: "serial:aa:bb", ...both })).toMatchObject({
      url: "/dev/ttyACM0",
      chosenBy: "--port",
    });
    expect((await refusal({ flag: "serial:0002", ...both })).message).toMatch(
      /serial number 0002.*serial 0001/,
    );
  });

  it("refuses a serial number that two devices share, as cheap bridges do", async () => {
    const twins = describePorts([
      { path: "COM3", ...bridge, serialNumber: "0001" },
      { path: "COM4", ...bridge, serialNumber: "0001" },
    ]);
    const error = await refusal({ environment: { WAMLET_PORT: "serial:0001" }, list: async () => twins });
    expect(error.code).toBe("WAMLET_PORT_AMBIGUOUS");
  });
});
