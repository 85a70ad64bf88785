/** The tables of docs/PROTOCOL.md that say what host/wire's tables say, as Markdown. */
import { deviceErrors } from "../../host/wire/error_code.js";
import type { RecordType } from "../../host/wire/field_schema.js";
import { messageTypes } from "../../host/wire/message.js";

const answers: Readonly<Record<string, string>> = {
  hello: "info",
  "deploy-begin": "deploy-ready",
  "deploy-commit": "deployed",
  list: "modules",
  activate: "done",
  remove: "done",
  load: "loaded",
  unload: "done",
  input: "result",
  counters: "totals",
  "log-level": "done",
  reset: "done",
};

/** One table row for each message and each of its fields. */
export function messageTable(): string {
  const rows = ["| message | tag | field | kind | meaning |", "|---|---|---|---|---|"];
  for (const [name, { number, fields }] of Object.entries(messageTypes)) {
    const answer = answers[name];
    const title = `**${shown(name)}** 0x${number.toString(16).padStart(2, "0")}`;
    rows.push(`| ${title} | | ${answer === undefined ? "" : `answered by ${shown(answer)}`} | | |`);
    rows.push(...fieldRows(fields));
  }
  return rows.join("\n");
}

/** One table row for each error code. */
export function errorTable(): string {
  const rows = ["| code | name | numbers | host |", "|---|---|---|---|"];
  for (const [name, { number, code, numbers }] of Object.entries(deviceErrors)) {
    rows.push(`| ${number} | ${name} | ${numbers.join(", ")} | \`${code}\` |`);
  }
  return rows.join("\n");
}

/** The document with its generated parts brought up to date. */
export function withTables(document: string): string {
  return replace(replace(document, "messages", messageTable()), "errors", errorTable());
}

function fieldRows(fields: RecordType, indent = ""): string[] {
  return Object.entries(fields).flatMap(([name, { tag, kind, meaning, record }]) => [
    `| | ${indent}${tag} | ${indent}${name} | ${kind} | ${meaning} |`,
    ...(record === undefined ? [] : fieldRows(record, `${indent}· `)),
  ]);
}

function shown(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

function replace(document: string, part: string, table: string): string {
  const pattern = new RegExp(`(<!-- ${part}: [^>]*-->\n)[^]*?(<!-- end -->)`);
  if (!pattern.test(document)) throw new Error(`docs/PROTOCOL.md has no place for "${part}"`);
  return document.replace(pattern, (_, begin: string, end: string) => `${begin}\n${table}\n\n${end}`);
}
