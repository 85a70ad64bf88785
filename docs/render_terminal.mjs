/**
 * Renders what a command prints as a picture (SVG) for the README.
 *
 *     FORCE_COLOR=1 npm run -s demo | node docs/render_terminal.mjs "npm run demo" > docs/images/demo.svg
 */
import { readFileSync } from "node:fs";

const title = process.argv[2] ?? "";
const lines = readFileSync(0, "utf8").replace(/\n+$/, "").split("\n");

const columns = 100;
const [cellWidth, lineHeight, left, top] = [8.05, 18, 20, 52];
const colors = {
  30: "#0c0c0c",
  31: "#f47067",
  32: "#8ddb8c",
  33: "#f2cc60",
  34: "#6cb6ff",
  35: "#dcbdfb",
  36: "#76e3ea",
  37: "#d8dee4",
  90: "#8b949e",
};

const markup = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Select Graphic Rendition: ESC [ numbers m. Written by code, since a control character has no place in a source. */
const escapeCharacter = String.fromCharCode(27);
const sequence = new RegExp(`(${escapeCharacter}\\[[0-9;]*m)`);
const wholeSequence = new RegExp(`^${escapeCharacter}\\[([0-9;]*)m$`);

/** A line as spans of one style each; styles go on to the next line as on a terminal. */
const style = { color: null, bold: false, dim: false };
function spans(line) {
  const found = [];
  for (const part of line.split(sequence)) {
    const code = wholeSequence.exec(part)?.[1];
    if (code === undefined) {
      if (part !== "") found.push({ text: part, ...style });
      continue;
    }
    for (const value of code.split(";").map(Number)) {
      if (value === 0) Object.assign(style, { color: null, bold: false, dim: false });
      else if (value === 1) style.bold = true;
      else if (value === 2) style.dim = true;
      else if (value === 22) Object.assign(style, { bold: false, dim: false });
      else if (value === 39) style.color = null;
      else if (colors[value]) style.color = colors[value];
    }
  }
  return found;
}

const width = Math.ceil(columns * cellWidth + 2 * left);
const height = top + (lines.length + 1) * lineHeight + 12;
const text = lines.map((line, row) => {
  let column = 0;
  const parts = spans(line).map((span) => {
    const x = left + column * cellWidth;
    column += [...span.text].length;
    const fill = span.color ?? (span.dim ? "#8b949e" : "#d8dee4");
    const weight = span.bold ? ' font-weight="bold"' : "";
    // Each span has its place: whatever font there is, columns stay aligned.
    const length = [...span.text].length * cellWidth;
    return `<tspan x="${x.toFixed(1)}" fill="${fill}"${weight} textLength="${length.toFixed(1)}" lengthAdjust="spacingAndGlyphs">${markup(span.text)}</tspan>`;
  });
  return `<text y="${top + (row + 1) * lineHeight}" xml:space="preserve">${parts.join("")}</text>`;
});

process.stdout.write(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13.3">
<title>${markup(title)}</title>
<rect width="100%" height="100%" rx="10" fill="#161b22"/>
<circle cx="22" cy="22" r="6" fill="#f47067"/><circle cx="42" cy="22" r="6" fill="#f2cc60"/><circle cx="62" cy="22" r="6" fill="#8ddb8c"/>
<text x="88" y="27" fill="#8b949e">${markup(`$ ${title}`)}</text>
${text.join("\n")}
</svg>
`);
