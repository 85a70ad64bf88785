/**
 * Wamlet as a library: everything that the command line does. `compile` makes modules, `openBoard` talks to a board
 * or an emulator behind a port URL, the rest reads what goes in and reports what comes out.
 */

export type { Answer } from "./board/answer.js";
export { type BoardInfo, type BoardOptions, BoardSession, openBoard } from "./board/board_session.js";
export type { DeployableModule, Deployed, DeployOptions } from "./board/deploy.js";
export type { LoadedModule } from "./board/loaded_module.js";
export { type AttachedPort, listPorts } from "./board/ports.js";
export { type Account, accountFor, requireFit } from "./compiler/account.js";
export { type CompiledModule, type CompileOptions, compile } from "./compiler/compile.js";
export { supportedOperators } from "./compiler/operators/table.js";
export type { Board, CostTable, Radio, Sourced } from "./descriptor/board.js";
export { listBoards, loadBoard } from "./descriptor/load_board.js";
export { type ErrorCode, WamletError } from "./errors.js";
export { readBuildFolder } from "./flash/build_folder.js";
export { readBundle, writeBundle } from "./flash/bundle.js";
export { type CheckedFirmware, checkFirmware, type Firmware } from "./flash/firmware.js";
export { dumpFlash, type FlashOptions, flashFirmware } from "./flash/flash_firmware.js";
export { probeChip } from "./flash/probe_chip.js";
export type { Frame, FrameSet } from "./frames/frame_set.js";
export { dequantise, quantiseFrame } from "./frames/quantise.js";
export { type ReadFramesOptions, readFrames } from "./frames/read_frames.js";
export { topAnswers } from "./measure/classes.js";
export { computeOrSend } from "./measure/compute_or_send.js";
export { executeHere, executeOnBoard } from "./measure/executors.js";
export { Measurements } from "./measure/measurements.js";
export { readSuite } from "./measure/suite.js";
export { validateSuite } from "./measure/validate.js";
export type { Graph, Operator, Tensor } from "./model/graph.js";
export { readModel } from "./model/read_model.js";
export type { ModelDescription } from "./module/description.js";
export { readModule, type WamletModule } from "./module/layout.js";
export type { Manifest } from "./module/manifest.js";
export { lineOpener } from "./transport/web_serial.js";
export { type PulledModel, type PullOptions, pullModel } from "./zoo/pull_model.js";
export { findZooModel, listZoo, type ZooModel } from "./zoo/zoo_models.js";
