/** docs/OPERATORS.md, written from what the compiler's table says and does. */
import type { OperatorFacts } from "./operator_facts.js";

export function operatorsDocument(facts: readonly OperatorFacts[]): string {
  return `# Operators

${facts.length} operators of TensorFlow Lite, bit for bit as its reference kernels compute them. A model with any other is refused
with \`WAMLET_UNSUPPORTED_OPERATOR\`; what is beyond a limit below is refused by name too, never computed wrongly.

_This page is generated from the compiler's table by \`npm run docs:operators\`; a test fails where it is out of date. Types,
constants, places and state are found by asking the compiler; limits and conditions stand beside each operator in
\`host/compiler/operators/\`._

- **Types**: of the computed input → of the output.
- **Constants**: inputs, counted from 0, that must be constants of the model. In brackets: may be left out.
- **Output's memory**: _own_, _over 0_ (it may take input 0's place, where that ends here), _alias_ (it can be the input's
  memory under another shape, without any code).
- **Limits**: beside those that TensorFlow Lite has itself. Tensors are quantised as a whole where nothing else is said.
  Dimensions are _separate_ where neighbours cannot be walked through as one.

| operator | types | constants | output's memory | state | limits |
| --- | --- | --- | --- | --- | --- |
${facts.map(row).join("\n")}

## Kernel forms

An operator offers several ways to compute a layer, and the compiler takes one by opcodes and RAM (\`--optimize\`). All give the
same bytes. The plain ones call \`assembly/kernels/\`; lanes and strips are generated for a model's own shapes.

| form | operators | applies to |
| --- | --- | --- |
${forms(facts).join("\n")}
`;
}

function row(facts: OperatorFacts): string {
  const cells = [
    `\`${facts.name}\``,
    typesText(facts.types),
    constantsText(facts),
    memoryText(facts),
    facts.state.length > 0 ? `input ${facts.state.join(", ")}` : "–",
    facts.limits.join("; ") || "–",
  ];
  return `| ${cells.join(" | ")} |`;
}

/** Types that go to the same outputs stand together; `same` where each goes to itself. */
function typesText(types: OperatorFacts["types"]): string {
  const same = [...types].filter(([from, to]) => to.size === 1 && to.has(from)).map(([from]) => from);
  const others = [...types].filter(([from]) => !same.includes(from));
  const parts = others.map(([from, to]) => `${from} → ${[...to].join(", ")}`);
  if (same.length > 3) parts.unshift(`${same.join(", ")} → the same`);
  else parts.unshift(...same.map((type) => `${type} → ${type}`));
  return parts.join("<br>");
}

function constantsText({ constants, optional }: OperatorFacts): string {
  const texts = constants.map((position) => (optional.includes(position) ? `(${position})` : `${position}`));
  return texts.join(", ") || "–";
}

function memoryText({ inPlace, alias }: OperatorFacts): string {
  const ways = [...(alias ? ["alias"] : []), ...(inPlace.length > 0 ? [`over ${inPlace.join(" or ")}`] : [])];
  return ways.join(", ") || "own";
}

/** One line for each form, or family of forms with numbers in their names. */
function forms(facts: readonly OperatorFacts[]): string[] {
  const families = new Map<string, { when: string; operators: Set<string> }>();
  for (const { name, forms } of facts) {
    for (const form of forms) {
      const family = form.name.replace(/_\d+x\d+/, "_PxQ").replace(/_\d+(?=_|$)/, "_N");
      const entry = families.get(family) ?? { when: form.when ?? "always", operators: new Set() };
      families.set(family, entry);
      entry.operators.add(name);
    }
  }
  return [...families].map(([family, { when, operators }]) => {
    const names = [...operators].map((name) => `\`${name}\``).join(", ");
    return `| \`${family}\` | ${names} | ${when} |`;
  });
}
