/**
 * The compiler's road: .tflite bytes → graph → layers with chosen kernels → memory plan → AssemblyScript → module.
 */
import { createRequire } from "node:module";
import type { Board } from "../descriptor/board.js";
import { WamletError } from "../errors.js";
import type { Graph, Tensor } from "../model/graph.js";
import { readModel } from "../model/read_model.js";
import type {
  LayerDescription,
  ModelDescription,
  PlannedBuffer,
  TensorDescription,
} from "../module/description.js";
import { readModule, type WamletModule, writeModule } from "../module/layout.js";
import { packageVersion } from "../package_root.js";
import { type Account, accountFor, requireFit } from "./account.js";
import { type Aim, fitBoard, type Optimization } from "./aims.js";
import { arrangeGreedily, lowerBound } from "./arrange.js";
import { assemble } from "./assembler.js";
import { type Choice, chooseForms, planForms } from "./choose_forms.js";
import { emitModule } from "./emit_module.js";
import { explainChoice, type LayerChoice } from "./explain_choice.js";
import { fuseOperators } from "./fuse_operators.js";
import type { BoundForm, BoundLayer, KernelCall, Places, Target } from "./layer.js";
import { operatorCompiler } from "./operators/table.js";
import { rectifiedTensors } from "./rectified_tensors.js";
import { placeOf, type Storage } from "./storage.js";
import { WeightSegment } from "./weight_segment.js";

export interface CompileOptions {
  /** Name to deploy by; letters, digits, `_`, `.` and `-`, at most 31. Default `model`. */
  readonly name?: string;
  /** Free text of at most 31 bytes. */
  readonly version?: string;
  /** Refuse what does not fit this board. */
  readonly board?: Board;
  /** Class names of the first output. */
  readonly labels?: readonly string[];
  /** Report layers to the runtime: needed for `profile --layers`. */
  readonly profile?: boolean;
  /** What to spend RAM and code for; default `balanced`. */
  readonly optimize?: Optimization;
  /** Takes the choice of kernel forms away from the cost model: for studies, and for tests of every form. */
  readonly chooseForm?: (forms: readonly BoundForm[], layer: BoundLayer) => BoundForm;
  readonly signal?: AbortSignal;
}

/** A module with what only the compiler knows of it. */
export interface CompiledModule extends WamletModule {
  /** What was generated: `module.ts` and the kernels made for this model, by path. */
  readonly sources: Readonly<Record<string, string>>;
  /** Bytes of the passive weight segment. */
  readonly weightBytes: number;
  /** What it takes of the board, where one was given. */
  readonly account: Account | null;
  /** What the kernels were chosen for: other than asked where those did not fit the board. */
  readonly aim: Aim;
  /** Why each was. */
  readonly choices: readonly LayerChoice[];
}

/** Linear memory grows by this much (WAMR rounds its bounds check up to a page). */
const memoryStep = 4096;
/** Addresses are kept below 2³¹ throughout. */
const mostMemory = 2 ** 31 - memoryStep;

/**
 * Compiles a quantised .tflite model. The same bytes and versions give the same module.
 * @param file the .tflite file's bytes
 * @throws WamletError where the model is damaged, uses what is not supported, or does not fit the board
 */
export async function compile(file: Uint8Array, options: CompileOptions = {}): Promise<CompiledModule> {
  const graph = readModel(file);
  if (graph.operators.length === 0) {
    throw new WamletError(
      "WAMLET_INVALID_MODEL",
      "The model has no operators.",
      "Convert the trained model again.",
    );
  }
  const target: Target = { board: options.board ?? null, rectified: rectifiedTensors(graph) };
  const layers = fuseOperators(graph).map((operator) => operatorCompiler(operator).bind(operator, target));
  const module = await compileLayers(graph, layers, options);
  if (module.account) requireFit(module.account);
  return module;
}

function compileLayers(
  graph: Graph,
  layers: readonly BoundLayer[],
  options: CompileOptions,
): Promise<CompiledModule> {
  const optimization = options.optimize ?? "balanced";
  const { chooseForm } = options;
  if (chooseForm) {
    const forms = layers.map((layer) => chooseForm(layer.forms, layer));
    const aim: Aim = { optimization, codePrice: 1, flashPrice: 0 };
    return compileChoice(graph, options, aim, layers, planForms(graph, layers, forms));
  }
  const largest = options.board?.memory.largestBlockBytes.value ?? Number.POSITIVE_INFINITY;
  // Other prices often lead to the same choice.
  const compiled = new Map<string, CompiledModule>();
  return fitBoard(optimization, async (aim) => {
    let smallest: CompiledModule | null = null;
    for (const choice of chooseForms(graph, layers, aim, largest)) {
      const key = choice.forms.map(({ name }) => name).join();
      const module = compiled.get(key) ?? (await compileChoice(graph, options, aim, layers, choice));
      compiled.set(key, module);
      if (smallest === null || module.payload.length < smallest.payload.length) smallest = module;
    }
    return { ...(smallest as CompiledModule), aim };
  });
}

async function compileChoice(
  graph: Graph,
  options: CompileOptions,
  aim: Aim,
  layers: readonly BoundLayer[],
  choice: Choice,
): Promise<CompiledModule> {
  const name = moduleName(options.name ?? "model");
  const { forms, storage, plan } = choice;
  const linearMemoryBytes = Math.max(memoryStep, Math.ceil(plan.bytes / memoryStep) * memoryStep);
  if (linearMemoryBytes > mostMemory) {
    throw new WamletError(
      "WAMLET_DOES_NOT_FIT",
      `The model's tensors take ${linearMemoryBytes} bytes of linear memory, more than any WebAssembly module has here.`,
      "The model is not meant for a microcontroller, or its shapes are damaged; convert it again.",
    );
  }

  const segment = new WeightSegment();
  const emitted = layers.map((layer, index) => {
    const form = forms[index] as BoundForm;
    return { layer, form: form.name, calls: emitLayer(layer, form, index, storage, plan.offsets, segment) };
  });
  const buffers: PlannedBuffer[] = storage.buffers.map((buffer, index) => ({
    ...buffer,
    offset: plan.offsets[index] as number,
  }));
  const profile = options.profile ?? false;
  const entry = emitModule({
    name,
    layers: emitted,
    buffers,
    states: storage.states.map(({ buffer, value }) => ({ ...(buffers[buffer] as PlannedBuffer), value })),
    planBytes: plan.bytes,
    linearMemoryBytes,
    profile,
  });
  const weights = segment.bytes();
  const sources: Record<string, string> = { "module.ts": entry };
  for (const { file, source } of emitted.flatMap(({ calls }) => calls)) {
    if (source) sources[`${file}.ts`] ??= source();
  }
  const wasm = await assemble({ sources, weights, linearMemoryBytes }, options.signal);

  const place = (tensor: Tensor) => placeOf(storage, plan.offsets, tensor);
  const description: ModelDescription = {
    format: 1,
    name,
    source: { sha256: graph.sourceSha256, bytes: graph.sourceBytes, description: graph.description },
    tools: toolVersions(),
    board: options.board?.name ?? null,
    inputs: graph.inputs.map((tensor) => describeTensor(tensor, place(tensor))),
    outputs: graph.outputs.map((tensor) => describeTensor(tensor, place(tensor))),
    labels: checkLabels(options.labels ?? [], graph),
    layers: layers.map((layer, index) => describeLayer(layer, forms[index] as BoundForm, index)),
    memory: {
      planBytes: plan.bytes,
      linearMemoryBytes,
      lowerBoundBytes: lowerBound(storage.buffers),
      greedyBytes: arrangeGreedily(storage.buffers).bytes,
      buffers,
    },
  };
  const places = (tensors: readonly TensorDescription[]) =>
    tensors.map(({ offset, bytes }) => ({ offset, bytes }));
  const bytes = writeModule(wasm, description, {
    name,
    version: options.version ?? "",
    linearMemoryBytes,
    inputs: places(description.inputs),
    outputs: places(description.outputs),
    opcodeBudget: opcodeBudget(description.layers),
    layers: profile ? layers.length : 0,
  });
  const module = readModule(bytes);
  const account = options.board ? accountFor(module, options.board) : null;
  const choices = explainChoice(layers, choice, aim.optimization);
  return { ...module, sources, weightBytes: weights.length, account, aim, choices };
}

/** The layer's kernel calls, constants brought in before. */
function emitLayer(
  layer: BoundLayer,
  form: BoundForm,
  index: number,
  storage: Storage,
  offsets: readonly number[],
  segment: WeightSegment,
) {
  const constants = storage.ofConstant[index];
  const address = (tensor: Tensor) => {
    const constant = constants?.get(tensor.index);
    return constant === undefined ? placeOf(storage, offsets, tensor) : (offsets[constant] as number);
  };
  const brought = layer.inputs.filter(
    (tensor) => tensor.data && (constants?.has(tensor.index) || layer.alias),
  );
  const fetches = brought.map(
    (tensor): KernelCall => ({
      file: "weights",
      function: "fetchWeights",
      arguments: [
        ["destination", address(layer.alias ? (layer.outputs[0] as Tensor) : tensor)],
        ["offset", segment.add(tensor.data as Uint8Array)],
        ["length", tensor.bytes],
      ],
    }),
  );
  const places: Places = {
    address,
    scratch: (storage.ofScratch[index] ?? []).map((buffer) => offsets[buffer] as number),
    weights: form.weights().map((block) => segment.add(block)),
  };
  return [...fetches, ...form.emit(places)];
}

function describeTensor(tensor: Tensor, offset: number): TensorDescription {
  return {
    name: tensor.name,
    type: tensor.type,
    shape: tensor.shape,
    scale: tensor.quantisation?.scales[0] ?? null,
    zeroPoint: tensor.quantisation?.zeroPoints[0] ?? null,
    offset,
    bytes: tensor.bytes,
  };
}

function describeLayer(layer: BoundLayer, form: BoundForm, index: number): LayerDescription {
  const [output] = layer.outputs;
  return {
    index,
    operator: layer.operator.name,
    name: output?.name ?? "",
    kernel: form.name,
    outputShape: output?.shape ?? [],
    macs: layer.macs,
    parameters: layer.parameters,
    opcodes: Math.round(form.cost.opcodes),
    bytesMoved: form.cost.bytesMoved,
  };
}

/**
 * Opcodes after which an inference counts as a runaway: four times what the cost model says, and a million on top
 * for small models. The tests hold the cost model to far less than a factor of two.
 */
function opcodeBudget(layers: readonly LayerDescription[]): number {
  return 1_000_000 + 4 * layers.reduce((sum, layer) => sum + layer.opcodes, 0);
}

function moduleName(name: string): string {
  if (/^[a-z0-9_.-]{1,31}$/.test(name)) return name;
  throw new WamletError(
    "WAMLET_USAGE",
    `'${name}' cannot be a module's name.`,
    "Give 1 to 31 of a-z, 0-9, '_', '.' and '-' with `--name`.",
  );
}

function checkLabels(labels: readonly string[], graph: Graph): readonly string[] {
  const classes = graph.outputs[0]?.shape.at(-1) ?? 0;
  if (labels.length === 0 || labels.length === classes) return labels;
  throw new WamletError(
    "WAMLET_INVALID_LABELS",
    `${labels.length} labels for an output of ${classes} classes.`,
    "Give one label a line, in the order of the model's classes.",
  );
}

/** Versions that the result depends on. */
function toolVersions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const version = (name: string) => (require(`${name}/package.json`) as { version: string }).version;
  return {
    wamlet: packageVersion(),
    assemblyscript: version("assemblyscript"),
    binaryen: version("binaryen"),
  };
}
