import { describe, expect, it } from "vitest";
import { payloadOffset, storeLayout } from "../../host/emulator/store_layout.js";
import { content, deploy, deployable, expectSame, mount, newFlash, smallStore } from "./store_fixtures.js";

const a1 = deployable("a", 1, 3000);
const a2 = deployable("a", 2, 4096);
const b1 = deployable("b", 1, 9);
const c1 = deployable("c", 1, 2048);

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
