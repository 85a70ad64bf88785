/** `wamlet modules`: what a board stores; activates and removes by name. */
import type { StoredModule } from "../../wire/message.js";
import { formatBytes } from "../format.js";
import { portOptions } from "../options.js";
import type { Output } from "../output.js";
import { formatTable } from "../table.js";
import { defineVerb } from "../verb.js";

export const modules = defineVerb({
  description:
    "Lists the modules that a board stores. `activate NAME` chooses the one that runs where no name is given; " +
    "`remove NAME` frees its slot.",
  positionals: {
    action: { choices: ["list", "activate", "remove"], default: "list", describe: "What to do" },
    name: { type: "string", describe: "Name of a stored module" },
  },
  options: portOptions,
  examples: [
    ["modules", "What the only attached board stores"],
    ["modules activate kws --port /dev/ttyUSB0", "Make kws the module that runs"],
    ["modules remove kws", "Free its slot"],
    ["modules --json", "The same for a program"],
  ],
  async run(args, context) {
    const { WamletError } = await import("../../errors.js");
    const { action, name } = args;
    if ((action === "list") !== (name === undefined)) {
      throw new WamletError(
        "WAMLET_USAGE",
        action === "list" ? "list takes no name." : `${action} needs the name of a module.`,
        `Write it as: wamlet modules ${action === "list" ? "list" : `${action} NAME`}.`,
      );
    }
    const { withBoard } = await import("../board_connection.js");
    const { requireStored } = await import("../prepare_module.js");
    await withBoard(args, context, async (connection) => {
      const { session } = connection;
      if (name !== undefined) {
        await requireStored(session, name);
        await (action === "activate" ? session.activate(name) : session.remove(name));
      }
      const stored = await session.modules();
      const slots = session.info.storeSlots;
      const { output } = context;
      output.result(
        { board: session.info.board, port: session.url, slots, modules: stored.map(plain) },
        () => {
          if (name !== undefined) {
            const did = action === "activate" ? "is active now" : "is removed";
            output.line(`${output.colors.bold(name)} ${did}.`);
          }
          showModules(stored, slots, output);
        },
      );
    });
    return 0;
  },
});

function plain({ sha256, ...module }: StoredModule) {
  return { ...module, sha256: Buffer.from(sha256).toString("hex") };
}

const meaning = { complete: "", partial: "deploy not finished", faulted: "stopped for a fault" } as const;

function showModules(stored: readonly StoredModule[], slots: number, output: Output): void {
  const { dim, green, yellow } = output.colors;
  const free = slots - stored.length;
  if (stored.length > 0) {
    output.line(
      formatTable(
        [
          { heading: "slot", align: "right" },
          { heading: "module" },
          { heading: "version" },
          { heading: "bytes", align: "right" },
          { heading: "SHA-256" },
          { heading: "state" },
        ],
        stored.map(({ slot, name, version, payloadBytes, sha256, active, state }) => [
          String(slot),
          name,
          version,
          formatBytes(payloadBytes),
          dim(Buffer.from(sha256).toString("hex").slice(0, 16)),
          active ? green("active") : state === "complete" ? "" : yellow(meaning[state]),
        ]),
        output.colors,
      ),
    );
  }
  output.line(
    stored.length === 0
      ? `No module is stored; all ${slots} slots are free.`
      : dim(`${free} of ${slots} slots free`),
  );
}
