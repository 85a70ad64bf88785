/** Cuts the power at every flash operation and looks at what the reboot finds. */
import { describe, expect, it } from "vitest";
import { PowerCut, type Tear } from "../../host/emulator/flash.js";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import type { ModuleStore } from "../../host/emulator/store.js";
import {
  content,
  type Deployable,
  deploy,
  deployable,
  expectSame,
  mount,
  newFlash,
  smallStore,
} from "./store_fixtures.js";

const a1 = deployable("a", 1, 3000);
const a2 = deployable("a", 2, 4096);
const b1 = deployable("b", 1, 9);
const c1 = deployable("c", 1, 2048);
const all = [a1, a2, b1, c1];

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
