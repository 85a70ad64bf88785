/** The C store against host/emulator/store.ts: the same bytes after every step, and after every cut of the power. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Flash, PowerCut } from "../../host/emulator/flash.js";
import { Refusal } from "../../host/emulator/refusal.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import type { ModuleStore } from "../../host/emulator/store.js";
import { deviceErrors } from "../../host/wire/error_code.js";
import {
  type Deployable,
  deployable,
  mount,
  newFlash,
  type StoreFigures,
  smallStore,
} from "../emulator/store_fixtures.js";
import { ask, buildHarness, compiler, compilerMissing } from "./harness.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const whole = (flash: Flash) => flash.read(0, flash.totalBytes);

/** The modules that random sequences are made of; some of one name, some that fill a slot to its last byte. */
const modules: readonly Deployable[] = [
  deployable("a", 1, 3000),
  deployable("a", 2, 4096),
  deployable("b", 3, 9),
  deployable("b", 4, 2048),
  deployable("c", 5, 4095),
  deployable("d", 6, 100),
];

/** Runs steps on the reference and notes them as commands with the answers that the C store must give. */
class Script {
  readonly commands: string[] = [];
  readonly answers: string[] = [];
  readonly flash: Flash;
  store: ModuleStore;

  constructor(readonly figures: StoreFigures) {
    const { slots, slotBytes, sectorBytes, wordBytes } = figures;
    this.flash = newFlash(figures);
    this.#note(`store.new ${slots} ${slotBytes} ${sectorBytes} ${wordBytes}`, "ok");
    this.store = mount(this.flash, figures);
  }

  deploy(module: Deployable, chunkBytes: number, end: number): void {
    const begun = this.#run(`begin ${hex(module.manifestBytes)}`, () => {
      const { offset, slot } = this.store.begin(module.manifestBytes);
      return `ok ${slot} ${offset}`;
    });
    if (!begun.startsWith("ok")) return;
    for (let offset = Number(begun.split(" ")[2]); offset < end; offset += chunkBytes) {
      const chunk = module.payload.subarray(offset, offset + chunkBytes);
      if (chunk.length === 0) break;
      const written = this.#run(`write ${offset} ${hex(chunk)}`, () => {
        this.store.deployment?.write(offset, chunk);
        return "ok";
      });
      if (written !== "ok") return;
    }
    this.#run("commit", () => {
      this.store.commit();
      return "ok";
    });
  }

  one(verb: "activate" | "remove" | "fault", name: string): void {
    this.#run(`${verb} ${name}`, () => {
      if (verb === "fault") this.store.markFaulted(this.store.find(name).slot);
      else this.store[verb](name);
      return "ok";
    });
  }

  mount(): void {
    this.#run("mount", () => {
      this.store = mount(this.flash, this.figures);
      return "ok";
    });
  }

  /** The power goes at the operation that is this far; what it leaves behind is copied, for noise is not shared. */
  cut(afterOperations: number, tear: "before" | "after"): void {
    this.flash.planPowerCut({ afterOperations, tear });
    this.#note(`store.power ${afterOperations} ${tear} 1`, "ok");
  }

  powerOn(): void {
    this.flash.powerOn();
    this.#note("store.restored", "ok");
    this.mount();
  }

  compare(): void {
    this.#note("store.hash", createHash("sha256").update(whole(this.flash)).digest("hex"));
  }

  #run(command: string, run: () => string): string {
    let answer: string;
    try {
      answer = run();
    } catch (error) {
      if (error instanceof PowerCut) answer = "cut";
      else if (error instanceof Refusal) {
        answer = ["refused", deviceErrors[error.reason].number, ...error.numbers].join(" ");
      } else throw error;
    }
    this.#note(`store.${command}`, answer);
    if (answer === "cut") this.powerOn();
    this.compare();
    return answer;
  }

  #note(command: string, answer: string): void {
    this.commands.push(command);
    this.answers.push(answer);
  }
}

/** Of whole words: both stores program them in the same pieces, so that their operations can be counted alike. */
const wholeWords = modules.filter(({ payload }) => payload.length % smallStore.wordBytes === 0);

function randomStep(
  script: Script,
  random: SeededRandom,
  chunks: readonly number[],
  from: readonly Deployable[] = modules,
): void {
  const module = from[random.below(from.length)] as Deployable;
  const chunk = chunks[random.below(chunks.length)] as number;
  switch (random.below(8)) {
    case 0:
      script.one("activate", module.name);
      break;
    case 1:
      script.one("remove", module.name);
      break;
    case 2:
      script.one("fault", module.name);
      break;
    case 3:
      script.mount();
      break;
    case 4:
      // Cut off somewhere: the commit is refused, and the next deploy of it goes on.
      script.deploy(module, chunk, random.below(module.payload.length));
      break;
    default:
      script.deploy(module, chunk, module.payload.length);
  }
}

describe.skipIf(compiler === null)(`the store in C (else ${compilerMissing})`, () => {
  let harness: ReturnType<typeof buildHarness>;
  beforeAll(() => {
    harness = buildHarness();
  });
  afterAll(() => harness.remove());

  const shapes: readonly StoreFigures[] = [
    smallStore,
    { slots: 2, slotBytes: 16384, sectorBytes: 4096, wordBytes: 1 },
    { slots: 4, slotBytes: 24576, sectorBytes: 4096, wordBytes: 256 },
    { slots: 16, slotBytes: 8192, sectorBytes: 2048, wordBytes: 32 },
  ];
  for (const figures of shapes) {
    it(`leaves the same bytes as the reference, step by step: ${JSON.stringify(figures)}`, () => {
      for (let seed = 1; seed <= 6; seed++) {
        const random = new SeededRandom(seed);
        const script = new Script(figures);
        for (let step = 0; step < 25; step++) randomStep(script, random, [490, 700, 4096]);
        expect(ask(harness.path, script.commands)).toEqual(script.answers);
      }
    });
  }

  it("takes a payload byte by byte", () => {
    const script = new Script(smallStore);
    for (const module of [modules[2], modules[5]] as Deployable[])
      script.deploy(module, 1, module.payload.length);
    expect(ask(harness.path, script.commands)).toEqual(script.answers);
  });

  it("does the same flash operations in the same order: the power may go before or after any of them", () => {
    for (const tear of ["before", "after"] as const) {
      for (let at = 0; at < 60; at++) {
        const script = new Script(smallStore);
        const random = new SeededRandom(100 + (at % 7));
        for (let step = 0; step < 4; step++) randomStep(script, random, [512, 2048], wholeWords);
        script.cut(at % 20, tear);
        for (let step = 0; step < 6; step++) randomStep(script, random, [512, 2048], wholeWords);
        script.flash.powerOn();
        script.powerOn();
        for (let step = 0; step < 3; step++) randomStep(script, random, [512, 2048], wholeWords);
        expect(ask(harness.path, script.commands), `${tear} ${at}`).toEqual(script.answers);
      }
    }
  });

  it("keeps the active module whole, the old or the new, wherever an operation is torn", () => {
    const [first, second] = modules as [Deployable, Deployable];
    const setUp = new Script(smallStore);
    setUp.deploy(first, 1024, first.payload.length);
    setUp.one("activate", "a");
    const chunks = Array.from({ length: 4 }, (_, index) => {
      const chunk = second.payload.subarray(index * 1024, (index + 1) * 1024);
      return `store.write ${index * 1024} ${hex(chunk)}`;
    });
    const deploy = [`store.begin ${hex(second.manifestBytes)}`, ...chunks, "store.commit"];
    let reached = 0;
    for (let at = 0; at < 24; at++) {
      for (let seed = 1; seed <= 3; seed++) {
        const before = [...setUp.commands, `store.power ${at} inside ${seed}`];
        const cutAt = ask(harness.path, [...before, ...deploy]).indexOf("cut") - before.length;
        if (cutAt < 0) continue;
        reached = Math.max(reached, at);
        const after = [
          ...deploy.slice(0, cutAt + 1),
          "store.mount",
          "store.list",
          "store.intact a",
          "store.mount",
        ];
        const answers = ask(harness.path, [
          ...before,
          ...after,
          "store.list",
          ...deploy.slice(0, 1),
          "store.list",
        ]);
        const [mounted, intact, , again, , begun] = answers.slice(-6);
        const context = `operation ${at}, seed ${seed}`;
        expect(mounted?.match(/(\S+):active/g), context).toHaveLength(1);
        expect(mounted, context).toMatch(/:a:[12]:active/);
        expect(intact, context).toBe("ok");
        expect(again, context).toBe(mounted);
        expect(begun, context).toMatch(/:active/);
      }
    }
    expect(reached).toBeGreaterThan(10);
  });
});
