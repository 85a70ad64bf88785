/**
 * What of the ESP-IDF port needs no ESP-IDF, under the sanitizers: cycles of 64 bits, a watchdog's patience, INA219 and
 * INA226, energy over time, which socket the host is on.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "../../host/emulator/seeded_random.js";
import { packagePath } from "../../host/package_root.js";
import { ask, compiler, compilerMissing } from "./harness.js";

const sources = ["timing.c", "power_sensor.c", "energy_meter.c", "line_choice.c"];
const [none, ina219, ina226] = [0, 1, 2];
const wrap = 2n ** 32n;

describe.skipIf(compiler === null)(`the ESP-IDF port's arithmetic (else ${compilerMissing})`, () => {
  const folder = mkdtempSync(join(tmpdir(), "wamlet-esp-idf-"));
  const harness = join(folder, "harness");
  beforeAll(() => {
    const main = packagePath("boards", "ports", "esp-idf", "main");
    const options = ["-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-g", "-O1", "-I", main];
    const sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    const files = [
      packagePath("test", "boards", "harness", "esp_idf.c"),
      ...sources.map((name) => join(main, name)),
    ];
    execFileSync(compiler ?? "", [...options, ...sanitize, ...files, "-o", harness]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const answers = (commands: readonly string[]) => ask(harness, commands);
  const only = (command: string) => answers([command])[0];

  describe("cycles", () => {
    it("counts on through every wrap, however long nobody asked, with a clock that is seconds off", () => {
      const random = new SeededRandom(7);
      const cases = Array.from({ length: 2000 }, (_, index) => {
        const megahertz = [80n, 160n, 240n][index % 3] ?? 0n;
        // Up to 40 days, and a clock up to a third of a wrap early or late.
        const cycles = BigInt(random.below(2 ** 31)) * BigInt(random.below(400_000)) + wrap;
        const error = (BigInt(random.below(2000)) - 1000n) * (wrap / 3000n);
        return { cycles, microseconds: (cycles + error) / megahertz, megahertz };
      });
      const commands = cases.map(
        ({ cycles, microseconds, megahertz }) => `widen ${cycles % wrap} ${microseconds} ${megahertz}`,
      );
      expect(answers(commands)).toEqual(cases.map(({ cycles }) => `${cycles}`));
    });

    it("never goes back around a wrap, whichever of both clocks is ahead", () => {
      const near = [-3n, -2n, -1n, 0n, 1n, 2n, 3n];
      for (const offset of [-1000n, 0n, 1000n]) {
        const at = near.map((step) => wrap * 5n + step * 240n);
        const commands = at.map((cycles) => `widen ${cycles % wrap} ${cycles / 240n + offset} 240`);
        expect(answers(commands)).toEqual(at.map((cycles) => `${cycles}`));
      }
    });

    it("begins at the counter itself, when the clock has hardly begun", () => {
      expect(answers(["widen 0 0 240", "widen 5000 3 240", "widen 100 40 160"])).toEqual([
        "0",
        "5000",
        "100",
      ]);
      // Behind the clock, before a first wrap: nothing lies below zero.
      expect(only("widen 4294967295 0 240")).toBe("4294967295");
    });
  });

  it("gives a module time by its budget, a second at least, a day at most, and no budget overflows", () => {
    expect(answers(["patience 0 240", "patience 1200000 240", "patience 1200000 160"])).toEqual([
      "1000",
      "2000",
      "2500",
    ]);
    expect(only(`patience ${2n ** 64n - 1n} 160`)).toBe("86400000");
    const budgets = [10n ** 9n, 10n ** 10n, 10n ** 11n, 10n ** 12n];
    const limits = answers(budgets.map((budget) => `patience ${budget} 240`)).map(Number);
    expect(limits).toEqual([834_333, 8_334_333, 83_334_333, 86_400_000]);
  });

  describe("sensors", () => {
    const identify = (configuration: number, manufacturer: number, die: number) =>
      only(`identify ${configuration} ${manufacturer} ${die}`);

    it("knows an INA226 by its numbers, just switched on or after a restart of the board", () => {
      expect(identify(0x4127, 0x5449, 0x2260)).toBe(`${ina226} INA226`);
      expect(identify(0x40df, 0x5449, 0x2260)).toBe(`${ina226} INA226`);
      expect(identify(0x4127, 0x5449, 0x2261)).toBe(`${ina226} INA226`);
    });

    it("knows an INA219, whatever it answers for registers that it lacks", () => {
      for (const other of [0, 0xffff, 0x399f])
        expect(identify(0x399f, other, other)).toBe(`${ina219} INA219`);
    });

    it("takes nothing else for a sensor", () => {
      for (const [configuration, manufacturer, die] of [
        [0, 0, 0],
        [0xffff, 0xffff, 0xffff],
        [0x4127, 0x5449, 0x2270],
        [0x4127, 0, 0],
        [0x1234, 0x5449, 0x2260],
      ] as const) {
        expect(identify(configuration, manufacturer, die)).toBe(`${none} `);
      }
    });

    it("measures continuously, and a pair of voltages within 1.2 ms", () => {
      const [first, second] = answers([`configuration ${ina219}`, `configuration ${ina226}`]).map(Number);
      // Mode 7 is shunt and bus, continuously (SBOS448, table 6; SBOS547, table 9).
      expect([(first ?? 0) & 7, (second ?? 0) & 7]).toEqual([7, 7]);
      const microseconds = [140, 204, 332, 588, 1100, 2116, 4156, 8244];
      const conversion = (shift: number) => microseconds[((second ?? 0) >> shift) & 7] ?? 0;
      expect(conversion(3) + conversion(6)).toBeLessThan(1200);
      expect((second ?? 0) & 0x8e00).toBe(0);
    });

    it("gives the power that shunt, bus and resistor make, to the nanowatt", () => {
      const random = new SeededRandom(3);
      const cases = Array.from({ length: 500 }, (_, index) => {
        const milliohms = [1, 2, 10, 100, 1000, 10_000][index % 6] ?? 1;
        return { shunt: random.below(32_000), bus: random.below(0x8000), milliohms };
      });
      const expected = cases.flatMap(({ shunt, bus, milliohms }) => {
        const watts = (nanovolts: number, microvolts: number) =>
          (BigInt(shunt * nanovolts) * BigInt(microvolts)) / BigInt(milliohms * 1000);
        return [`1 ${watts(10_000, (bus >> 3) * 4000)}`, `1 ${watts(2500, bus * 1250)}`];
      });
      const commands = cases.flatMap(({ shunt, bus, milliohms }) => [
        `power ${ina219} ${shunt} ${bus} ${milliohms}`,
        `power ${ina226} ${shunt} ${bus} ${milliohms}`,
      ]);
      expect(answers(commands)).toEqual(expected);
    });

    it("says 165 mW for 50 mA at 3.3 V through 100 mOhm", () => {
      // 5 mV over the shunt: 500 steps of 10 uV, 2000 of 2.5 uV; 3.3 V: 825 steps of 4 mV, 2640 of 1.25 mV.
      expect(only(`power ${ina219} 500 ${825 << 3} 100`)).toBe("1 165000000");
      expect(only(`power ${ina226} 2000 2640 100`)).toBe("1 165000000");
    });

    it("takes a current that flows backwards for none", () => {
      expect(only(`power ${ina226} 65535 2640 100`)).toBe("1 0");
      expect(only(`power ${ina219} ${0x10000 - 31_999} 6600 100`)).toBe("1 0");
    });

    it("knows no power where the shunt is at the sensor's end, or has no resistance", () => {
      for (const shunt of [32_767, 32_768, 32_769]) {
        expect(only(`power ${ina226} ${shunt} 2640 100`)).toBe("0 0");
      }
      for (const shunt of [32_000, 0x10000 - 32_000]) {
        expect(only(`power ${ina219} ${shunt} 6600 100`)).toBe("0 0");
      }
      expect(answers([`power ${ina226} 100 100 0`, `power ${none} 100 100 100`])).toEqual(["0 0", "0 0"]);
    });
  });

  describe("energy", () => {
    it("is power times time, sample by sample, without losing a fraction of a nanojoule", () => {
      const random = new SeededRandom(11);
      const commands = ["begin 1000 1 1234567"];
      let [now, power, femtojoules] = [1000n, 1_234_567n, 0n];
      const expected = ["ok"];
      for (let index = 0; index < 2000; index++) {
        const step = BigInt(random.below(5000));
        now += step;
        femtojoules += power * step;
        power = BigInt(random.below(2 ** 31));
        commands.push(`sample ${now} 1 ${power}`, `read ${now}`);
        expected.push("ok", `1 ${femtojoules / 1_000_000n}`);
      }
      expect(answers(commands)).toEqual(expected);
    });

    it("goes on between two samples, and never back", () => {
      expect(
        answers([
          "begin 0 1 1000000000",
          "read 500",
          "read 1999",
          "sample 2000 1 1000000",
          "read 2000",
          "read 3000",
        ]),
      ).toEqual(["ok", "1 500000", "1 1999000", "ok", "1 2000000", "1 2001000"]);
    });

    it("counts nothing of the time between two inferences", () => {
      expect(
        answers([
          "begin 0 1 1000000000",
          "sample 10 1 1000000000",
          "begin 900000 1 1000000000",
          "read 900000",
        ]),
      ).toEqual(["ok", "ok", "ok", "1 10000"]);
    });

    it("is not known after a sample that failed or came too late, until the next beginning", () => {
      const lost = [
        "begin 0 1 1000",
        "sample 10 0 0",
        "sample 20 1 1000",
        "read 30",
        "begin 40 1 1000",
        "read 50",
      ];
      expect(answers(lost).map((text) => text[0])).toEqual(["o", "o", "o", "0", "o", "1"]);
      const late = ["begin 0 1 1000", "read 1000001", "sample 1000001 1 1000", "read 1000002"];
      expect(answers(late).map((text) => text[0])).toEqual(["o", "0", "o", "0"]);
      expect(answers(["begin 0 0 0", "read 1"])[1]).toBe("0 0");
    });

    it("survives clocks that two tasks read in the other order", () => {
      expect(answers(["begin 100 1 1000000000", "sample 90 1 1000000000", "read 80", "read 101"])).toEqual([
        "ok",
        "ok",
        "1 0",
        "1 1000",
      ]);
    });
  });

  describe("the line", () => {
    it("is every line before anything was heard, and then the one that was", () => {
      expect(answers(["speaks 0", "speaks 1", "heard 1 50", "speaks 0", "speaks 1"])).toEqual([
        "1",
        "1",
        "1",
        "0",
        "1",
      ]);
    });

    it("is not given up for noise on another one, but for a host that moved", () => {
      const commands = [
        "heard 0 1000000",
        "heard 1 1000001",
        "heard 0 5000000",
        "heard 1 9999999",
        "speaks 0",
        "heard 1 10000000",
        "speaks 0",
        "speaks 1",
      ];
      expect(answers(commands)).toEqual(["1", "0", "1", "0", "1", "1", "0", "1"]);
    });
  });
});
