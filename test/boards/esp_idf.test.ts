/** The ESP-IDF project: its files agree with each other and with the descriptors, and its C with ESP-IDF's declarations. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { loadBoard } from "../../host/descriptor/load_board.js";
import { checkEspIdf, espConfiguration, espTargets } from "../../host/emulator/esp_idf_check.js";
import { configure, readSdkconfig, sdkconfigHeader } from "../../host/emulator/kconfig.js";
import { packagePath } from "../../host/package_root.js";

const port = (...parts: string[]) => packagePath("boards", "ports", "esp-idf", ...parts);
const read = (...parts: string[]) => readFileSync(port(...parts), "utf8");

/** Rows of a partition table's source. */
function partitions(file: string): { name: string; kind: string; offset: number; bytes: number }[] {
  const rows = read(file)
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return rows.map((row) => {
    const [name = "", type, subtype, offset, bytes] = row.split(",").map((cell) => cell.trim());
    return { name, kind: `${type} ${subtype}`, offset: Number(offset), bytes: Number(bytes) };
  });
}

describe.each(espTargets.map((target) => [target.name, target] as const))(
  "the project for %s",
  (name, target) => {
    const values = espConfiguration(target);
    const board = loadBoard(name);
    const number = (option: string) => Number(values.get(option));

    it("is that of the board's descriptor: name, clock, pool, receive buffer, line, page", () => {
      expect(values.get("WAMLET_BOARD_NAME")).toBe(`"${name}"`);
      expect(number("ESP_DEFAULT_CPU_FREQ_MHZ") * 1e6).toBe(board.clockHertz.value);
      expect(number("WAMLET_POOL_BYTES")).toBe(board.memory.poolBytes.value);
      expect(number("WAMLET_RECEIVE_BYTES")).toBe(board.memory.receiveBufferBytes);
      expect(number("WAMLET_UART_BAUD_RATE")).toBe(board.line.baudRate);
      // Panics come on the same wire at the same rate.
      expect(number("ESP_CONSOLE_UART_BAUDRATE")).toBe(board.line.baudRate);
      expect(read("main", "main.c")).toContain(`#define PAGE_BYTES ${board.runtime.pageBytes}u`);
    });

    it("has a partition for the descriptor's store, within the flash and beside the agent", () => {
      const file = JSON.parse(values.get("PARTITION_TABLE_CUSTOM_FILENAME") ?? "") as string;
      const table = partitions(file);
      const { slots, slotBytes, sectorBytes } = board.store;
      const source = read("main", "partition.c");
      const store = table.find((row) => source.includes(`#define PARTITION_NAME "${row.name}"`));
      expect(store?.kind).toBe("data 0x40");
      expect(source).toContain("(esp_partition_subtype_t)0x40");
      expect(store?.bytes).toBe(2 * sectorBytes + slots * slotBytes);
      expect(values.has(`ESPTOOLPY_FLASHSIZE_${board.memory.flashBytes.value / 2 ** 20}MB`)).toBe(true);
      let end = 0x9000;
      for (const row of table) {
        expect(row.offset).toBeGreaterThanOrEqual(end);
        expect(row.offset % (row.kind.startsWith("app") ? 0x10000 : sectorBytes)).toBe(0);
        end = row.offset + row.bytes;
      }
      expect(end).toBeLessThanOrEqual(board.memory.flashBytes.value);
    });

    it("asks WAMR for its fast interpreter alone", () => {
      const on = [...values.keys()].filter((key) => key.startsWith("WAMR_")).sort();
      expect(on).toEqual([
        "WAMR_BUILD_RELEASE",
        "WAMR_ENABLE_INTERP",
        "WAMR_INTERP_FAST",
        "WAMR_INTERP_LOADER_NORMAL",
      ]);
    });

    it("watches the agent, lets inferences be long, and receives while flash is written", () => {
      for (const on of ["ESP_TASK_WDT_INIT", "ESP_TASK_WDT_PANIC", "UART_ISR_IN_IRAM"])
        expect(values.has(on)).toBe(true);
      for (const off of [
        "ESP_TASK_WDT_CHECK_IDLE_TASK_CPU0",
        "ESP_TASK_WDT_CHECK_IDLE_TASK_CPU1",
        "PM_ENABLE",
      ]) {
        expect(values.has(off)).toBe(false);
      }
      expect(number("FREERTOS_HZ")).toBe(1000);
    });
  },
);

describe("the project", () => {
  it("builds every file of its folder", () => {
    const list = /SRCS ([^)]*?)\$\{agent\}/.exec(read("main", "CMakeLists.txt"))?.[1] ?? "";
    expect(list.trim().split(/\s+/).sort()).toEqual(
      readdirSync(port("main"))
        .filter((name) => name.endsWith(".c"))
        .sort(),
    );
  });

  it("puts its own functions in the place of WAMR's by the names that it tells the linker", () => {
    const wrapped = /foreach\(function ([^)]*)\)/.exec(read("main", "CMakeLists.txt"))?.[1]?.split(" ");
    const source = read("main", "wamr_platform.c");
    const defined = [...source.matchAll(/^\S.*__wrap_(\w+)\(.*\)$/gm)].map(([, name]) => name);
    expect(defined.sort()).toEqual(wrapped?.sort());
  });

  it("takes the agent's version for its own", () => {
    const header = readFileSync(packagePath("boards", "agent", "agent.h"), "utf8");
    expect(header).toMatch(/^#define WAMLET_AGENT_VERSION "\d+\.\d+\.\d+"$/m);
  });

  it("has a header for each that it includes, and names ESP-IDF's in its first lines", () => {
    const included = readdirSync(port("main"))
      .filter((name) => name.endsWith(".c"))
      .flatMap((name) => [...read("main", name).matchAll(/^#include "((?:esp_|driver\/|freertos\/).*)"$/gm)])
      .map(([, name = ""]) => name)
      .filter((name) => !existsSync(port("main", name)));
    expect(included.length).toBeGreaterThan(10);
    for (const name of new Set(included)) {
      expect(read("check", "include", name), name).toMatch(/^\/\*\s+(\* )?ESP-IDF's components\//);
    }
  });
});

describe("a Kconfig file", () => {
  const text = `menu "x"
    config A
        bool "a"
        default y
    config B
        int "b"
        range 1 9
        default 3 if A
        default 4
        depends on A
        help
            default 7
            anything at all
    config C
        string
        default "c" if CHIP
endmenu
`;

  it("gives its defaults, the first whose condition holds, and what was set in place of one", () => {
    const chip = new Map([["CHIP", "y"]]);
    expect(Object.fromEntries(configure(text, chip))).toEqual({ CHIP: "y", A: "y", B: "3", C: '"c"' });
    expect(configure(text, new Map([...chip, ["B", "8"]])).get("B")).toBe("8");
    expect(sdkconfigHeader(configure(text, chip))).toContain("#define CONFIG_A 1\n#define CONFIG_B 3\n");
  });

  it("leaves out what depends on something that is off", () => {
    const off = readSdkconfig("CONFIG_A=n\nCONFIG_CHIP=y\n# CONFIG_B=5\n");
    expect([...off.keys()]).toEqual(["CHIP"]);
    expect(configure(text, new Map([...off, ["A", "n"]])).has("B")).toBe(false);
  });

  it("is refused where an option has no value for a chip, or the reader does not know a line", () => {
    expect(() => configure(text, new Map())).toThrow(/C: it has no default/);
    expect(() => configure(`${text}    choice D\n`, new Map([["CHIP", "y"]]))).toThrow(/choice D/);
    expect(() => configure("config E\n", new Map())).toThrow(/E: it has no type/);
  });
});

const missing = [...espTargets.map(({ compiler }) => compiler), "cargo"].filter(
  (command) => spawnSync(command, ["--version"]).status !== 0,
);

describe.skipIf(missing.length > 0)(`with Debian's compilers (missing: ${missing.join(", ")})`, () => {
  it("compiles agent and port for all four chips without a warning, and lacks nothing that the agent asks for", async () => {
    const lines = await checkEspIdf({ environment: process.env });
    expect(lines.map((line) => line.split(" ")[0])).toEqual(espTargets.map(({ name }) => name));
    const files = [port("main"), packagePath("boards", "agent")].flatMap((path) =>
      readdirSync(path).filter((name) => name.endsWith(".c")),
    );
    for (const line of lines) expect(line).toContain(` ${files.length} files`);
  });
});
