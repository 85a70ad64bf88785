import { describe, expect, it } from "vitest";
import { PowerCut, type Tear } from "../../host/emulator/flash.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import type { ModuleStore } from "../../host/emulator/store.js";
import { payloadOffset, storeLayout } from "../../host/emulator/store_layout.js";
import {
  content,
  type Deployable,
  deploy,
  deployable,
  mount,
  newFlash,
  smallStore,
} from "./store_fixtures.js";

const a1 = deployable("a", 1, 3000);
const a2 = deployable("a", 2, 4096);
const b1 = deployable("b", 1, 9);
const c1 = deployable("c", 1, 2048);
const all = [a1, a2, b1, c1];

/** Vitest's own comparison of arrays takes most of a minute for what these tests compare. */
function expectSame(found: Uint8Array, expected: Uint8Array, context?: string): void {
  expect(Buffer.compare(found, expected), context).toBe(0);
}

describe("the module store", () => {
  it("keeps deployed modules and the active one over a reboot", () => {
    const flash = newFlash();
    const store = mount(flash);
    deploy(store, a1);
    deploy(store, b1, 4);
    store.activate("b");
    expect(content(store)).toBe("a 1, b 1 *");
    const rebooted = mount(flash);
    expect(content(rebooted)).toBe("a 1, b 1 *");
    expectSame(rebooted.payload(rebooted.find("a")), a1.payload);
    expectSame(rebooted.payload(rebooted.find("b")), b1.payload);
  });

  it("replaces a module of the same name, keeps it active, and frees its slot", () => {
    const store = mount(newFlash());
    deploy(store, a1);
    store.activate("a");
    deploy(store, a2);
    expect(content(store)).toBe("a 2 *");
    deploy(store, b1);
    deploy(store, c1);
    expect(content(store)).toBe("a 2 *, b 1, c 1");
  });

  it("never writes the active slot while a deploy runs", () => {
    const flash = newFlash();
    const store = mount(flash);
    deploy(store, a1);
    store.activate("a");
    const { slot } = store.find("a");
    const { layout } = store;
    const before = flash.read((2 + slot * layout.slotSectors) * 2048, layout.slotSectors * 2048);
    for (let round = 0; round < 7; round++) {
      deploy(store, b1);
      store.remove("b");
    }
    expectSame(flash.read((2 + slot * layout.slotSectors) * 2048, layout.slotSectors * 2048), before);
  });

  it("refuses what a full store cannot take, naming what fills it, and writes nothing", () => {
    const flash = newFlash();
    const store = mount(flash);
    for (const module of [a1, b1, c1]) deploy(store, module);
    const { operations } = flash;
    expect(() => store.begin(deployable("d", 1, 100).manifestBytes)).toThrow(
      /All 3 slots hold modules \(a, b, c\)/,
    );
    expect(() => store.begin(a2.manifestBytes)).toThrow(/replacing one takes a free slot/);
    expect(flash.operations).toBe(operations);
  });

  it("refuses a payload larger than a slot with both figures", () => {
    const store = mount(newFlash());
    expect(() => store.begin(deployable("d", 1, 5000).manifestBytes)).toThrow(
      /5000 bytes where a slot .* 4096/,
    );
  });

  it("resumes a deploy at the last complete sector after a power cut", () => {
    const flash = newFlash();
    const interrupted = mount(flash).begin(a1.manifestBytes);
    interrupted.write(0, a1.payload.subarray(0, 2500));
    const store = mount(flash);
    const resumed = store.begin(a1.manifestBytes);
    expect(resumed.offset).toBe(2048);
    resumed.write(2048, a1.payload.subarray(2048));
    store.commit();
    expectSame(store.payload(store.find("a")), a1.payload);
  });

  it("resumes without a reboot too, and starts anew for another version", () => {
    const store = mount(newFlash());
    store.begin(a1.manifestBytes).write(0, a1.payload.subarray(0, 2048));
    expect(store.begin(a1.manifestBytes).offset).toBe(2048);
    expect(store.begin(a2.manifestBytes).offset).toBe(0);
    expect(store.begin(a1.manifestBytes).offset).toBe(2048);
  });

  it("does not resume a deploy that was overtaken by another version of its module", () => {
    const store = mount(newFlash());
    store.begin(a1.manifestBytes).write(0, a1.payload.subarray(0, 2048));
    deploy(store, a2);
    expect(store.begin(a1.manifestBytes).offset).toBe(0);
    deploy(store, a1);
    expect(content(store)).toBe("a 1");
  });

  it("lets an abandoned deploy give way when no other slot is free", () => {
    const store = mount(newFlash());
    deploy(store, a1);
    store.begin(deployable("old", 1, 3000).manifestBytes);
    deploy(store, b1);
    deploy(store, c1);
    expect(content(store)).toBe("a 1, b 1, c 1");
  });

  it("commits nothing whose hash differs when read back, and starts over then", () => {
    const flash = newFlash();
    const store = mount(flash);
    const deployment = store.begin(a1.manifestBytes);
    deployment.write(0, a1.payload);
    flash.flipBit(payloadOffset(store.layout, deployment.slot) + 1234, 3);
    expect(() => store.commit()).toThrow(expect.objectContaining({ code: "WAMLET_HASH_MISMATCH" }));
    expect(store.list()).toEqual([]);
    expect(store.begin(a1.manifestBytes).offset).toBe(0);
  });

  it("takes bytes in order only and commits only when all are there", () => {
    const store = mount(newFlash());
    expect(() => store.commit()).toThrow(/no deploy/);
    const deployment = store.begin(a1.manifestBytes);
    deployment.write(0, a1.payload.subarray(0, 100));
    expect(() => deployment.write(99, a1.payload.subarray(99, 200))).toThrow(/byte 100 of 3000 is next/);
    expect(() => deployment.write(100, new Uint8Array(2901))).toThrow(/byte 100 of 3000 is next/);
    expect(() => store.commit()).toThrow(/100 of 3000/);
  });

  it("notices a payload that changed after its commit", () => {
    const flash = newFlash();
    const store = mount(flash);
    deploy(store, a1);
    expect(store.intact(store.find("a"))).toBe(true);
    flash.flipBit(payloadOffset(store.layout, store.find("a").slot), 0);
    expect(store.intact(store.find("a"))).toBe(false);
  });

  it("falls back to the older pointer when the newer one is damaged, and never to another module", () => {
    const flash = newFlash();
    const store = mount(flash);
    deploy(store, a1);
    deploy(store, b1);
    store.activate("a");
    store.activate("b");
    flash.flipBit(2048 + 9, 0);
    expect(content(mount(flash))).toBe("a 1 *, b 1");
    flash.flipBit(2048 + 9, 0);
    // The slot that the older copy names now holds another module.
    store.remove("a");
    deploy(store, c1);
    deploy(store, deployable("d", 1, 20));
    flash.flipBit(2048 + 9, 0);
    expect(mount(flash).active()).toBeUndefined();
  });

  it("keeps the fault mark over a reboot until the module is deployed again", () => {
    const flash = newFlash();
    const store = mount(flash);
    deploy(store, a1);
    store.markFaulted(store.find("a").slot);
    store.markFaulted(store.find("a").slot);
    expect(mount(flash).find("a").faulted).toBe(true);
    deploy(store, a1);
    expect(mount(flash).find("a").faulted).toBe(false);
  });

  it("is done at once with a module that it has already, even when it is full", () => {
    const flash = newFlash();
    const store = mount(flash);
    for (const module of [a1, b1, c1]) deploy(store, module);
    store.activate("a");
    const { operations } = flash;
    expect(store.begin(a1.manifestBytes).complete).toBe(true);
    expect(store.commit().name).toBe("a");
    expect(content(store)).toBe("a 1 *, b 1, c 1");
    expect(flash.operations).toBe(operations);
  });

  it("keeps one module under two names where they are given", () => {
    const flash = newFlash();
    const store = mount(flash);
    for (const name of ["", "left", "right"]) {
      store.begin(b1.manifestBytes, name).write(0, b1.payload);
      store.commit();
    }
    expect(
      mount(flash)
        .list()
        .map(({ name }) => name),
    ).toEqual(["b", "left", "right"]);
    expect(() => store.begin(b1.manifestBytes, "No Name")).toThrow(/not 1 to 31 of/);
  });

  it("leaks no slot in 1000 rounds of deploy and remove, and wears all slots alike", () => {
    const store = mount(newFlash());
    const used = new Map<number, number>();
    for (let round = 0; round < 1000; round++) {
      deploy(store, b1, 9);
      const { slot } = store.find("b");
      used.set(slot, (used.get(slot) ?? 0) + 1);
      if (round % 3 === 0) store.activate("b");
      store.remove("b");
    }
    expect(store.list()).toEqual([]);
    expect(Math.max(...used.values()) - Math.min(...used.values())).toBeLessThanOrEqual(1);
    for (const module of [a1, b1, c1]) deploy(store, module);
  });

  it.each([
    [{ slots: 2, slotBytes: 393216, sectorBytes: 131072, wordBytes: 32 }, 1, 2],
    [{ slots: 4, slotBytes: 360448, sectorBytes: 4096, wordBytes: 256 }, 6, 82],
    [{ slots: 8, slotBytes: 65536, sectorBytes: 4096, wordBytes: 1 }, 1, 15],
  ])("lays itself out on %o", (figures, headerSectors, payloadSectors) => {
    const layout = storeLayout(figures);
    expect([layout.headerSectors, layout.payloadSectors]).toEqual([headerSectors, payloadSectors]);
    const flash = newFlash(figures);
    const module = deployable("full", 5, layout.payloadBytes - 3);
    deploy(mount(flash, figures), module, 5001);
    const store = mount(flash, figures);
    expectSame(store.payload(store.find("full")), module.payload);
  });

  it("refuses figures that cannot be laid out", () => {
    for (const wrong of [
      { slotBytes: 6000 },
      { slotBytes: 2048 },
      { wordBytes: 3 },
      { wordBytes: 0 },
      { slots: 0 },
    ]) {
      expect(() => storeLayout({ ...smallStore, ...wrong })).toThrow(
        expect.objectContaining({ code: "WAMLET_INVALID_DESCRIPTOR" }),
      );
    }
  });
});

/** One step of a sequence; what the store contains is known before and after it. */
interface Step {
  readonly name: string;
  readonly run: (store: ModuleStore) => void;
}

const steps: Record<string, Step> = Object.fromEntries(
  [
    ...all.map((module) =>
      step(`deploy ${module.name} ${module.manifest.version}`, (store) => deploy(store, module)),
    ),
    ...["a", "b", "c"].flatMap((name) => [
      step(`activate ${name}`, (store) => store.activate(name)),
      step(`remove ${name}`, (store) => store.remove(name)),
    ]),
  ].map((entry) => [entry.name, entry]),
);

function step(name: string, run: (store: ModuleStore) => void): Step {
  return { name, run };
}

/** Every module that counts has the very bytes of the one it says it is. */
function expectIntact(store: ModuleStore, context: string): void {
  for (const module of store.list()) {
    const original = all.find(
      ({ manifest }) =>
        manifest.name === module.manifest.name && manifest.version === module.manifest.version,
    );
    expect(original, context).toBeDefined();
    expectSame(store.payload(module), original?.payload ?? new Uint8Array(0), context);
  }
  expect(new Set(store.list().map(({ manifest }) => manifest.name)).size, context).toBe(store.list().length);
}

/** However the sequence ended, all slots that hold no module can be used. */
function expectNoLeak(store: ModuleStore, context: string): void {
  const fillers: Deployable[] = [];
  for (let free = smallStore.slots - store.list().length; free > 0; free--) {
    const filler = deployable(`filler-${free}`, free, 50);
    deploy(store, filler);
    fillers.push(filler);
  }
  expect(store.list().length, context).toBe(smallStore.slots);
  for (const { name } of fillers) store.remove(name);
}

/** Runs the steps with the power going at operation `cut`; checks what the reboot finds; goes on to the end. */
function survive(names: readonly string[], cut: number, tear: Tear, seed: number): boolean {
  const flash = newFlash();
  let store = mount(flash);
  flash.planPowerCut({ afterOperations: cut, tear, seed });
  let wasCut = false;
  for (const name of names) {
    const before = content(store);
    const activeBefore = store.active()?.manifest;
    const current = steps[name] as Step;
    try {
      current.run(store);
      continue;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    wasCut = true;
    flash.powerOn();
    const context = `${names.join("; ")} cut at ${cut} ${tear} seed ${seed} in "${name}" after ${before}`;
    const rebooted = mount(flash);
    const found = content(rebooted);
    expectIntact(rebooted, context);
    // Once more: what mounting repaired must be as stable as the rest.
    expect(content(mount(flash)), context).toBe(found);
    const reference = referenceAfter(before, current);
    expect([before, reference.after, ...reference.between], context).toContain(found);
    if (activeBefore !== undefined && name !== `remove ${activeBefore.name}`) {
      expect(rebooted.active(), context).toBeDefined();
    }
    store = rebooted;
    expectNoLeak(store, context);
    expect(content(store), context).toBe(found);
    // The step is done again as a user would, unless it was finished.
    if (found !== reference.after) retry(store, current);
    expectIntact(store, context);
  }
  return wasCut;
}

function retry(store: ModuleStore, current: Step): void {
  const name = current.name.split(" ")[1] as string;
  if (!current.name.startsWith("deploy") && !store.list().some(({ manifest }) => manifest.name === name))
    return;
  current.run(store);
}

/** What the step leads to from a content, by the rules in plain words; `between` is allowed on the way. */
function referenceAfter(before: string, current: Step): { after: string; between: string[] } {
  const entries = new Map(
    before
      .split(", ")
      .filter((entry) => entry !== "")
      .map((entry) => {
        const [name, version, star] = entry.split(" ");
        return [name as string, { version: version as string, active: star === "*" }] as const;
      }),
  );
  const text = () =>
    [...entries]
      .map(([name, { version, active }]) => `${name} ${version}${active ? " *" : ""}`)
      .sort()
      .join(", ");
  const deactivate = () => {
    for (const [name, entry] of entries) entries.set(name, { ...entry, active: false });
  };
  const [verb, name = "", version = ""] = current.name.split(" ");
  const old = entries.get(name);
  const between: string[] = [];
  if (verb === "deploy") entries.set(name, { version, active: old?.active ?? false });
  if (verb === "activate" && old !== undefined) {
    deactivate();
    entries.set(name, { ...old, active: true });
  }
  if (verb === "remove") {
    if (old?.active === true) {
      deactivate();
      between.push(text());
    }
    entries.delete(name);
  }
  return { after: text(), between };
}

describe("a power cut", () => {
  const sequence = [
    "deploy a 1",
    "activate a",
    "deploy b 1",
    "activate b",
    "activate a",
    "deploy a 2",
    "remove b",
    "deploy c 1",
    "activate c",
    "deploy a 1",
    "remove c",
    "remove a",
    "deploy b 1",
  ];

  it.each<[Tear, number]>([
    ["before", 1],
    ["after", 1],
    ["inside", 1],
    ["inside", 2],
    ["inside", 3],
    ["inside", 4],
  ])(
    "at any flash operation (%s, seed %i) leaves the old or the new, whole, and leaks nothing",
    (tear, seed) => {
      let cut = 0;
      while (survive(sequence, cut, tear, seed)) cut++;
      expect(cut).toBeGreaterThan(70);
    },
  );

  it("while a cut is being repaired leaves the old or the new as well", () => {
    // The longest repair: the pointer still names the module that a committed one replaces.
    for (const tear of ["before", "inside", "after"] as const) {
      for (let first = 0; ; first++) {
        const flash = newFlash();
        const store = mount(flash);
        deploy(store, a1);
        store.activate("a");
        flash.planPowerCut({ afterOperations: first, tear, seed: first });
        let finished = true;
        try {
          deploy(store, a2);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          finished = false;
        }
        for (let second = 0; !finished; second++) {
          flash.powerOn();
          flash.planPowerCut({ afterOperations: second, tear, seed: second });
          try {
            mount(flash);
            break;
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
          }
        }
        flash.powerOn();
        const rebooted = mount(flash);
        expectIntact(rebooted, `cut at ${first} ${tear}`);
        expect(["a 1 *", "a 2 *"]).toContain(content(rebooted));
        if (finished) break;
      }
    }
  });

  it("hurts no random sequence (60 sequences, cuts at random operations)", () => {
    const random = new SeededRandom(20261122);
    const tears: Tear[] = ["before", "inside", "after"];
    for (let round = 0; round < 60; round++) {
      const flash = newFlash();
      let store = mount(flash);
      let finishedSteps = 0;
      while (finishedSteps < 25) {
        const names = Object.keys(steps);
        const current = steps[names[random.below(names.length)] as string] as Step;
        const [verb, name = ""] = current.name.split(" ");
        const present = store.list().some(({ manifest }) => manifest.name === name);
        const full = store.list().length === smallStore.slots;
        finishedSteps++;
        if (verb === "deploy" ? full : !present) continue;
        const before = content(store);
        const { after, between } = referenceAfter(before, current);
        const context = `round ${round}, step ${finishedSteps}, ${current.name} after ${before}`;
        const tear = tears[random.below(3)] as Tear;
        flash.planPowerCut({ afterOperations: random.below(24), tear, seed: random.next() });
        try {
          current.run(store);
          expect(content(store), context).toBe(after);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          flash.powerOn();
          store = mount(flash);
          expect([before, after, ...between], context).toContain(content(store));
        }
        flash.powerOn();
        expectIntact(store, context);
      }
    }
  });
});
