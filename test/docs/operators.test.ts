/** docs/OPERATORS.md says what the compiler does. `npm run docs:operators` writes it anew. */
import { describe, expect, it } from "vitest";
import { supportedOperators } from "../../host/compiler/operators/table.js";
import { operatorFacts } from "./operator_facts.js";
import { operatorsDocument } from "./operators_document.js";

const facts = operatorFacts();

describe("docs/OPERATORS.md", () => {
  it("is up to date", async () => {
    await expect(operatorsDocument(facts)).toMatchFileSnapshot("../../docs/OPERATORS.md");
  });

  it("names every operator that the compiler has, with types, and every form", () => {
    expect(facts.map(({ name }) => name)).toEqual(supportedOperators);
    for (const { name, types, forms } of facts) {
      expect(types.size, name).toBeGreaterThan(0);
      expect(forms.length, name).toBeGreaterThan(0);
    }
  });

  it("says of every form that does not always apply when it does", () => {
    for (const { name, forms, sometimes } of facts) {
      for (const form of forms)
        if (sometimes.has(form.name)) expect(form.when, `${name}: ${form.name}`).not.toBeNull();
    }
  });
});
