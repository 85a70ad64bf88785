import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAssumed, listBoards, loadBoard } from "../../host/descriptor/load_board.js";
import { WamletError } from "../../host/errors.js";
import { opcodeClasses } from "../../host/module/opcode_class.js";
import { packagePath } from "../../host/package_root.js";

/** Every `{value, source}` inside a board, with the path to it. */
function figures(value: unknown, path = ""): { path: string; value: number; source: string }[] {
  if (typeof value !== "object" || value === null) return [];
  const record = value as Record<string, unknown>;
  if (typeof record.value === "number") return [{ path, value: record.value, source: String(record.source) }];
  return Object.entries(record).flatMap(([key, inner]) => figures(inner, `${path}.${key}`));
}

function failure(action: () => unknown): WamletError {
  try {
    action();
  } catch (error) {
    if (error instanceof WamletError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the boards of the package", () => {
  it("are those that the README promises", () => {
    expect(listBoards()).toEqual([
      "esp32",
      "esp32c3",
      "esp32c6",
      "esp32s3",
      "linux",
      "nrf52840",
      "qemu-cortex-m4",
      "qemu-cortex-m7",
      "qemu-riscv32",
      "rp2040",
      "stm32h743",
    ]);
  });

  it.each(listBoards())("%s loads, is called as its file, and every figure has a source", (name) => {
    const board = loadBoard(name);
    expect(board.name).toBe(name);
    const found = figures(board);
    expect(found.length).toBeGreaterThan(8);
    for (const figure of found) expect(figure.source.length, figure.path).toBeGreaterThan(8);
  });

  it.each(listBoards())("%s prices every opcode class that the module room counts, and no other", (name) => {
    const priced = Object.keys(loadBoard(name).cost.opcode).sort();
    expect(priced).toEqual(opcodeClasses.filter((kind) => kind !== "bulk").sort());
  });

  it.each(listBoards())(
    "%s has page-sized linear memory within one block, and a store with a free slot",
    (name) => {
      const { memory, store } = loadBoard(name);
      expect(memory.largestBlockBytes.value % 4096).toBe(0);
      expect(store.slots).toBeGreaterThanOrEqual(2);
      expect(store.slotBytes % store.sectorBytes).toBe(0);
    },
  );

  it("say which figures are assumed, and name the table that stands in for Xtensa", () => {
    const esp32 = loadBoard("esp32");
    expect(isAssumed(esp32.cyclesPerInstruction)).toBe(true);
    expect(isAssumed(esp32.clockHertz)).toBe(false);
    expect(esp32.cost.source).toMatch(/^assumed: .*rv32imac/);
    expect(loadBoard("nrf52840").cost.source).toMatch(/^measured on the same core/);
  });

  it("compute the radio energy of a frame where computing beats sending: LoRa dearest, BLE on nRF cheapest", () => {
    const frame = 1024;
    const nanojoules = (board: string, radio: string) => {
      const found = loadBoard(board).radios.find(({ name }) => name === radio);
      if (found === undefined) throw new Error(`${board} has no ${radio}`);
      return (
        Math.ceil(frame / found.messageBytes) * found.messageNanojoules.value +
        frame * found.byteNanojoules.value
      );
    };
    expect(nanojoules("esp32", "LoRa SF12")).toBeGreaterThan(nanojoules("esp32", "LoRa SF7"));
    expect(nanojoules("esp32", "LoRa SF7")).toBeGreaterThan(nanojoules("esp32", "Wi-Fi"));
    expect(nanojoules("esp32", "Wi-Fi")).toBeGreaterThan(nanojoules("esp32", "BLE"));
    expect(nanojoules("esp32", "BLE")).toBeGreaterThan(nanojoules("nrf52840", "BLE"));
  });

  it("read USB identities as numbers", () => {
    expect(loadBoard("esp32").usb).toContainEqual({
      vendor: 0x10c4,
      product: 0xea60,
      description: "CP210x bridge",
    });
  });

  it("hold no file that nothing refers to", () => {
    const texts = listBoards().map((name) => readFileSync(packagePath("boards", `${name}.json`), "utf8"));
    for (const folder of ["costs", "radios"]) {
      for (const file of readdirSync(packagePath("boards", folder))) {
        expect(
          texts.some((text) => text.includes(`"${file.replace(".json", "")}"`)),
          file,
        ).toBe(true);
      }
    }
  });
});

describe("a descriptor of one's own", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "wamlet-descriptor-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  // biome-ignore lint/suspicious/noExplicitAny: a test edits raw JSON
  function own(edit: (json: any) => void): string {
    const json = JSON.parse(readFileSync(packagePath("boards", "esp32.json"), "utf8"));
    edit(json);
    const path = join(folder, "myboard.json");
    writeFileSync(path, JSON.stringify(json));
    return path;
  }

  it("is loaded by its path, with the cost tables and radios of the package", () => {
    const board = loadBoard(
      own((json) => {
        json.name = "doorbell";
      }),
    );
    expect(board.name).toBe("doorbell");
    expect(board.cost).toEqual(loadBoard("esp32").cost);
    expect(board.radios).toEqual(loadBoard("esp32").radios);
  });

  it("may bring a cost table of its own, beside it", () => {
    const table = JSON.parse(readFileSync(packagePath("boards", "costs", "armv7em.json"), "utf8"));
    table.opcode.load8 = 99;
    writeFileSync(join(folder, "my_costs.json"), JSON.stringify(table));
    const board = loadBoard(
      own((json) => {
        json.cost.table = "./my_costs.json";
      }),
    );
    expect(board.cost.opcode.load8).toBe(99);
  });

  // biome-ignore lint/suspicious/noExplicitAny: a test edits raw JSON
  const faults: [string, (json: any) => void, RegExp][] = [
    ["a missing field", (json) => delete json.memory.poolBytes, /memory\.poolBytes is missing/],
    ["a missing source", (json) => delete json.clockHertz.source, /clockHertz\.source is missing/],
    ["a wrong type", (json) => (json.clockHertz.value = "240 MHz"), /clockHertz\.value must be number/],
    [
      "a negative figure",
      (json) => (json.power.activeMilliamperes.value = -1),
      /power\.activeMilliamperes\.value/,
    ],
    [
      "a mistyped field",
      (json) => (json.memory.poolByte = 1),
      /memory\.poolByte is no field .*meant: poolBytes/,
    ],
    ["a bad USB id", (json) => (json.usb[0].id = "10C4-EA60"), /usb\.0\.id must match/],
    ["a single slot", (json) => (json.store.slots = 1), /store\.slots must be >= 2/],
    [
      "a block beyond the pool",
      (json) => (json.memory.largestBlockBytes.value = 1e6),
      /largestBlockBytes .* more than/,
    ],
    [
      "a slot of half a sector",
      (json) => (json.store.slotBytes = 393217),
      /no multiple of store\.sectorBytes/,
    ],
    ["a store beyond the flash", (json) => (json.store.slots = 200), /more than memory\.flashBytes/],
  ];
  it.each(faults)("with %s is refused, naming file and field", (_name, edit, message) => {
    const error = failure(() => loadBoard(own(edit)));
    expect(error.code).toBe("WAMLET_INVALID_DESCRIPTOR");
    expect(error.message).toMatch(/myboard\.json/);
    expect(error.message).toMatch(message);
    expect(error.hint).not.toBe("");
  });

  it("with a cost table that lacks a class is refused, naming the table", () => {
    const table = JSON.parse(readFileSync(packagePath("boards", "costs", "armv7em.json"), "utf8"));
    delete table.opcode.load8;
    writeFileSync(join(folder, "short_costs.json"), JSON.stringify(table));
    const error = failure(() => loadBoard(own((json) => (json.cost.table = "./short_costs.json"))));
    expect(error.message).toMatch(/short_costs\.json.*opcode\.load8 is missing/);
  });

  it("that refers to an unknown radio is refused", () => {
    expect(failure(() => loadBoard(own((json) => json.radios.push("carrier_pigeon")))).code).toBe(
      "WAMLET_FILE_NOT_FOUND",
    );
  });

  it("that is no JSON, no file or a folder is refused with a typed error", () => {
    const broken = join(folder, "broken.json");
    writeFileSync(broken, '{"name": "esp');
    expect(failure(() => loadBoard(broken)).code).toBe("WAMLET_INVALID_DESCRIPTOR");
    writeFileSync(broken, "[]");
    expect(failure(() => loadBoard(broken)).message).toMatch(/the file must be object/);
    expect(failure(() => loadBoard(join(folder, "absent.json"))).code).toBe("WAMLET_FILE_NOT_FOUND");
    expect(failure(() => loadBoard(`${folder}/`)).code).toBe("WAMLET_FILE_UNREADABLE");
  });

  it("shows five faults at most", () => {
    writeFileSync(join(folder, "empty.json"), "{}");
    const { message } = failure(() => loadBoard(join(folder, "empty.json")));
    expect(message.match(/ is missing/g)).toHaveLength(5);
    expect(message).toMatch(/and 9 more\.$/);
  });
});

describe("an unknown name", () => {
  it("is answered with the one probably meant, and with all names", () => {
    const error = failure(() => loadBoard("esp32-s3"));
    expect(error.code).toBe("WAMLET_UNKNOWN_BOARD");
    expect(error.message).toContain("Did you mean esp32s3?");
    expect(error.hint).toContain("nrf52840");
  });

  it("gets no suggestion where nothing is near", () => {
    expect(failure(() => loadBoard("commodore64")).message).not.toContain("Did you mean");
  });

  it("cannot name a file outside boards/", () => {
    expect(failure(() => loadBoard("schema")).code).toBe("WAMLET_UNKNOWN_BOARD");
    expect(failure(() => loadBoard("..")).code).toBe("WAMLET_UNKNOWN_BOARD");
  });
});
