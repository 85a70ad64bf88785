/** The operators that are compiled: those of the graph, less what others do along the way. */
import type { Graph, Operator } from "../model/graph.js";
import { fuseActivations } from "./fuse_activation.js";
import { fusePadding } from "./fuse_padding.js";

/** The graph's operators in their order; a fused one keeps the number and the name of the one that does the work. */
export function fuseOperators(graph: Graph): readonly Operator[] {
  return fuseActivations(fusePadding(graph), graph.outputs);
}
