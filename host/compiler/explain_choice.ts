/** Why each layer has the kernel that it has, and what the next best one would have cost: what `wamlet inspect` shows. */
import type { Optimization } from "./aims.js";
import { type Choice, scratchBytes } from "./choose_forms.js";
import type { BoundForm, BoundLayer } from "./layer.js";

export interface LayerChoice {
  readonly layer: number;
  readonly kernel: string;
  /** Modelled opcodes. */
  readonly opcodes: number;
  /** Estimated bytes of the kernel's code that was generated for this model, shared with other layers or not. */
  readonly codeBytes: number;
  /** RAM beside the layer's tensors while it runs. */
  readonly scratchBytes: number;
  /** Bytes of its weights and constants in flash. */
  readonly weightBytes: number;
  readonly reason: string;
  /** The cheapest of the others, whether it fits or not; null where there is no other. */
  readonly runnerUp: {
    readonly kernel: string;
    readonly opcodes: number;
    readonly codeBytes: number;
    readonly scratchBytes: number;
  } | null;
}

/** Explains a choice that `chooseForms` made. */
export function explainChoice(
  layers: readonly BoundLayer[],
  { forms, offered }: Choice,
  optimization: Optimization,
): LayerChoice[] {
  return layers.map((layer, index) => {
    const chosen = forms[index] as BoundForm;
    const others = layer.forms.filter(({ name }) => name !== chosen.name);
    const runnerUp = others[0] ?? null;
    return {
      layer: index,
      kernel: chosen.name,
      opcodes: Math.round(chosen.cost.opcodes),
      codeBytes: chosen.codeBytes,
      scratchBytes: scratchBytes(chosen),
      weightBytes: chosen.weights().reduce((sum, { length }) => sum + length, 0),
      reason: reasonOf(index, chosen, others, forms, offered?.[index] ?? null, optimization),
      runnerUp: runnerUp && {
        kernel: runnerUp.name,
        opcodes: Math.round(runnerUp.cost.opcodes),
        codeBytes: runnerUp.codeBytes,
        scratchBytes: scratchBytes(runnerUp),
      },
    };
  });
}

function reasonOf(
  layer: number,
  chosen: BoundForm,
  others: readonly BoundForm[],
  forms: readonly BoundForm[],
  offered: readonly BoundForm[] | null,
  optimization: Optimization,
): string {
  const faster = others.filter(({ cost }) => cost.opcodes < chosen.cost.opcodes);
  const sharing = forms.flatMap(({ generated }, other) =>
    other !== layer && generated !== null && generated === chosen.generated ? [other] : [],
  );
  const shares = sharing.length > 0 ? `shares its code with ${layerList(sharing)}` : null;
  if (others.length === 0) return "the only kernel for it";
  if (optimization === "size")
    return chosen.generated === null
      ? "no code of its own"
      : (shares ?? "saves more weights than it has code");
  if (offered === null) return "asked for";
  const [quickest] = faster;
  if (quickest === undefined) return "fewest opcodes";
  const best = faster.find((form) => offered.includes(form));
  if (best === undefined)
    return `no RAM for a quicker one: ${quickest.name} takes ${scratchBytes(quickest)} bytes`;
  if (shares !== null) return shares;
  const saved = Math.round(chosen.cost.opcodes - best.cost.opcodes);
  return `${best.name} saves ${saved} opcodes, too few for ${best.codeBytes} bytes of code`;
}

function layerList(layers: readonly number[]): string {
  const named = layers.slice(0, 3).join(", ");
  const more = layers.length > 3 ? ` and ${layers.length - 3} more` : "";
  return `${layers.length > 1 ? "layers" : "layer"} ${named}${more}`;
}
