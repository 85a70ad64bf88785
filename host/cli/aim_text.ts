/** What kernels were chosen for, as `compile` and `inspect` say it. */
import type { Aim } from "../compiler/aims.js";

export function aimText({ optimization, codePrice, flashPrice }: Aim): string {
  if (codePrice === null) return "the least RAM";
  const aim = optimization === "balanced" ? "speed within some RAM" : optimization;
  return `${aim}${codePrice > 1 ? ", with less code" : ""}${flashPrice > 0 ? ", with less flash" : ""}`;
}
