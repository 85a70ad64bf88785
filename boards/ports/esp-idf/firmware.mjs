/**
 * `npm run firmware -- esp-idf`: the agent for an ESP32 as one file for `wamlet flash`.
 *
 *     --target esp32c3          builds it with ESP-IDF (idf.py on the PATH) and makes the bundle
 *     --build DIR               makes the bundle from a build folder of ESP-IDF
 *     --check                   compiles the port for all chips without ESP-IDF
 *     -o, --output FILE         the bundle; agent-<chip>.wamfw where it is not given
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../../dist/host/cache_folder.js";
import { readFirmware } from "../../../dist/host/cli/flash_source.js";
import { scriptOptions } from "../../../dist/host/cli/run_script.js";
import { writeBundleFile } from "../../../dist/host/cli/write_bundle.js";
import { checkEspIdf, espTargets } from "../../../dist/host/emulator/esp_idf_check.js";
import { WamletError } from "../../../dist/host/errors.js";
import { packagePath } from "../../../dist/host/package_root.js";

/** Of partition.c and the partition tables. */
const storePartition = "wamlet_store";

const names = espTargets.map(({ name }) => name).join(", ");
const say = (text) => process.stdout.write(`${text}\n`);

/** @param words behind `esp-idf` */
export async function espIdfFirmware(words) {
  const { check, build, target, output } = options(words);
  if (check) {
    say((await checkEspIdf({ environment: process.env })).join("\n"));
    say("compiled against declarations of what the port uses; neither linked nor run");
    return;
  }
  await makeBundle(build ?? buildWithEspIdf(target), output);
}

function options(words) {
  const hint = `Write --target with one of ${names}, --build DIR, or --check.`;
  const usage = (message) => new WamletError("WAMLET_USAGE", message, hint);
  const { values } = scriptOptions(
    {
      args: words,
      options: {
        check: { type: "boolean", default: false },
        build: { type: "string" },
        target: { type: "string" },
        output: { type: "string", short: "o" },
      },
    },
    hint,
  );
  const given = [values.check || undefined, values.build, values.target].filter(
    (value) => value !== undefined,
  );
  if (given.length !== 1) throw usage("What is to be done?");
  if (values.target !== undefined && !espTargets.some(({ name }) => name === values.target)) {
    throw usage(`There is no port to ${values.target}.`);
  }
  return values;
}

/** @returns the build folder */
function buildWithEspIdf(target) {
  // Not in the repository, and one for each chip: ESP-IDF keeps a chip's configuration there.
  const build = join(cacheFolder(process.env), "agents", "esp-idf", target);
  mkdirSync(build, { recursive: true });
  const settings = [`-DIDF_TARGET=${target}`, `-DSDKCONFIG=${join(build, "sdkconfig")}`];
  const words = ["-C", packagePath("boards", "ports", "esp-idf"), "-B", build, ...settings, "build"];
  const { error, status } = spawnSync("idf.py", words, { stdio: "inherit" });
  if (error !== undefined) {
    throw new WamletError(
      "WAMLET_MISSING_TOOL",
      "ESP-IDF's idf.py is not on the PATH.",
      'Install ESP-IDF 5.3 or a later 5.x ("Get Started" of its Programming Guide), run ". export.sh" of it in this shell, and try again; or give a build folder with --build.',
    );
  }
  if (status !== 0) {
    throw new WamletError(
      "WAMLET_BUILD_FAILED",
      `idf.py ended with ${status}.`,
      "What it says above is the reason; docs/BOARDS.md tells what the project needs.",
    );
  }
  return build;
}

async function makeBundle(build, output) {
  const firmware = await readFirmware(build, []);
  const wrong = (message, hint) => new WamletError("WAMLET_INVALID_IMAGE", message, hint);
  const hint = "Build boards/ports/esp-idf, and give the folder that idf.py build filled.";
  if (firmware.agentVersion === null) throw wrong(`${build} holds no Wamlet agent.`, hint);
  const store = firmware.partitions.find(({ label }) => label === storePartition);
  if (store === undefined) throw wrong(`The partition table of ${build} has no ${storePartition}.`, hint);
  const path = output ?? `agent-${firmware.chip?.target ?? "esp"}.wamfw`;
  await writeBundleFile(path, firmware);
  const bytes = firmware.images.reduce((sum, { data }) => sum + data.length, 0);
  say(
    `${path}  agent ${firmware.agentVersion} for ${firmware.chip?.name}, ${firmware.images.length} images, ${bytes} B`,
  );
  say(`next: wamlet flash ${path}`);
}
