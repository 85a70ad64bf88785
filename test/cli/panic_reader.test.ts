import { describe, expect, it } from "vitest";
import { ConsoleLines } from "../../host/cli/console_lines.js";
import { type Panic, PanicReader } from "../../host/cli/panic_reader.js";
import { seeded } from "../wire/random.js";
import {
  riscvAbort,
  riscvWithoutMachineRegisters,
  xtensaAbort,
  xtensaAssert,
  xtensaLoadProhibited,
} from "./fixtures/panics.js";

/** The panics in a text that comes in these pieces. */
function readIn(pieces: readonly string[]): Panic[] {
  const reader = new PanicReader();
  const found: (Panic | null)[] = [];
  const lines = new ConsoleLines(
    (line) => {
      found.push(reader.complete(line));
      reader.read(line);
    },
    () => found.push(reader.complete(null)),
  );
  for (const piece of pieces) lines.push(piece);
  lines.flush();
  return found.filter((panic) => panic !== null);
}

const cases: readonly (readonly [name: string, text: string, panic: Panic])[] = [
  [
    "of an ESP32",
    xtensaLoadProhibited,
    {
      architecture: "xtensa",
      chip: "esp32",
      addresses: ["0x40001274", "0x40175ebd", "0x4008dbfd", "0x400d86c1"],
    },
  ],
  [
    "of a failed assertion",
    xtensaAssert,
    {
      architecture: "xtensa",
      chip: "esp32s3",
      addresses: ["0x403764f2", "0x4037c1d1", "0x40382c31", "0x4200a803"],
    },
  ],
  [
    "of an abort",
    xtensaAbort,
    {
      architecture: "xtensa",
      chip: null,
      addresses: ["0x40081baf", "0x40091cd4", "0x400920d5", "0x40078e74"],
    },
  ],
  [
    "of a RISC-V chip, whose stack is searched for code",
    riscvAbort,
    {
      architecture: "riscv32",
      chip: "esp32c3",
      addresses: ["0x42074ead", "0x403808c0", "0x40389572", "0x4038ff10", "0x42074eae", "0x42075f10"],
    },
  ],
  [
    "of a RISC-V chip at address 0",
    riscvWithoutMachineRegisters,
    { architecture: "riscv32", chip: null, addresses: ["0x403ce016"] },
  ],
];

describe.each(cases)("the panic %s", (_, text, panic) => {
  it("is told once, with the addresses of its code in their order", () => {
    expect(readIn([text])).toEqual([panic]);
  });

  it("is the same in pieces of any size", () => {
    const random = seeded(17);
    for (const longest of [1, 3, 40, 700, 4096]) {
      const pieces: string[] = [];
      for (let at = 0; at < text.length; ) {
        const end = at + 1 + (random() % longest);
        pieces.push(text.slice(at, end));
        at = end;
      }
      expect(readIn(pieces)).toEqual([panic]);
    }
  });

  it("is told each time that it comes", () => {
    expect(readIn([text, text])).toEqual([panic, panic]);
  });
});

describe("a chip that the agent names", () => {
  it.each([
    ["ESP32-D0WD", "esp32", "xtensa"],
    ["ESP32-S3", "esp32s3", "xtensa"],
    ["ESP32-C6", "esp32c6", "riscv32"],
    ["rv32imac", null, "riscv32"],
  ])("%s tells which tools read an abort", (named, chip, architecture) => {
    const reader = new PanicReader();
    reader.chip = named;
    reader.read("abort() was called at PC 0x42074ead on core 0");
    expect(reader.complete(null)).toEqual({ chip, architecture, addresses: ["0x42074ead"] });
  });
});

describe("lines of no panic", () => {
  it("are not taken for one, whatever numbers they hold", () => {
    const text = [
      "I (31) boot: Partition Table:",
      "load:0x3fcd6100,len:0x1850",
      "entry 0x403ce000",
      "I (50) esp_image: segment 0: paddr=00010020 vaddr=3c020020 size=08a4ch ( 35404) map",
      "3fcde4b0: 0x42333034 0x42303065",
      "Saved PC:0x40052b02",
    ];
    expect(readIn([`${text.join("\r\n")}\r\n`])).toEqual([]);
  });
});
