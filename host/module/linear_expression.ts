/**
 * A count as a sum of counters: most blocks of a program need no counter of their own, because how often they run
 * follows from others (a loop's exits are its entries, an else is what its `if` did not take). Immutable.
 */
export class LinearExpression {
  /** @param terms coefficient by counter, without zeros */
  constructor(readonly terms: ReadonlyMap<number, number>) {}

  static counter(counter: number): LinearExpression {
    return new LinearExpression(new Map([[counter, 1]]));
  }

  plus(other: LinearExpression): LinearExpression {
    return this.#combine(other, 1);
  }

  minus(other: LinearExpression): LinearExpression {
    return this.#combine(other, -1);
  }

  #combine(other: LinearExpression, sign: number): LinearExpression {
    if (other.terms.size === 0) return this;
    const terms = new Map(this.terms);
    for (const [counter, coefficient] of other.terms) {
      const sum = (terms.get(counter) ?? 0) + sign * coefficient;
      if (sum === 0) terms.delete(counter);
      else terms.set(counter, sum);
    }
    return new LinearExpression(terms);
  }
}

/**
 * The count of what never runs. Not a static member: TypeScript 5.9 emits a class that makes itself while it is being
 * defined under an alias that is not set yet.
 */
export const zeroExpression = new LinearExpression(new Map());
