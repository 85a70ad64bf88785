/**
 * Bytes that are no frame → text for people, or nothing. A board that crashes prints its panic wherever the line
 * just is: behind half a frame, with a noise byte of the reset in it. What can be read is shown, the rest of it as
 * `\x07`; a damaged frame is not shown, for half of one helps nobody.
 */

/** One in this many characters may be unreadable, and the whole is text still. */
const readablePerUnreadable = 4;
/** A line that stands behind half a frame is shown from this length on: random bytes hold shorter ones. */
const surelyText = 12;
/** The kinds of a frame's header, which COBS leaves in its second byte. */
const frameKinds = { first: 1, last: 7 };

const lineFeed = 0x0a;
/** Tab, the line ends, and ESC, which begins a colour. */
const shownControls: readonly number[] = [0x09, lineFeed, 0x0d, 0x1b];
const deleteCharacter = 0x7f;

/** @returns text whose only control characters are tab, line ends and ESC; null where nothing can be read */
export function consoleText(bytes: Uint8Array): string | null {
  const whole = escapeUnreadable(bytes);
  const isText = whole.unreadable * readablePerUnreadable <= whole.characters;
  if (isText && !beginsLikeFrame(bytes)) return whole.text;
  return textOfLines(bytes);
}

/** The lines that can be read from end to end, of a run that as a whole is a damaged frame. */
function textOfLines(bytes: Uint8Array): string | null {
  let text = "";
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(lineFeed, start);
    const end = found < 0 ? bytes.length : found + 1;
    const line = escapeUnreadable(bytes.subarray(start, end));
    if (line.unreadable === 0 && line.text.trim().length >= surelyText) text += line.text;
    start = end;
  }
  return text === "" ? null : text;
}

/** Half a frame whose payload is text would be readable, too. */
function beginsLikeFrame(bytes: Uint8Array): boolean {
  const kind = bytes[1] ?? 0;
  return kind >= frameKinds.first && kind <= frameKinds.last;
}

function escapeUnreadable(bytes: Uint8Array): { text: string; characters: number; unreadable: number } {
  const counted = { text: "", characters: 0, unreadable: 0 };
  for (let at = 0; at < bytes.length; ) {
    const length = characterBytes(bytes, at);
    counted.characters += 1;
    if (length === 0) {
      counted.unreadable += 1;
      counted.text += `\\x${(bytes[at] ?? 0).toString(16).padStart(2, "0")}`;
    } else {
      counted.text +=
        length === 1 ? String.fromCharCode(bytes[at] ?? 0) : utf8.decode(bytes.subarray(at, at + length));
    }
    at += Math.max(1, length);
  }
  return counted;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const replacement = "\ufffd";

/** Bytes of the character that begins here; 0 where none does that can be shown. */
function characterBytes(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? 0;
  if (byte < 0x20) return shownControls.includes(byte) ? 1 : 0;
  if (byte < 0x80) return byte === deleteCharacter ? 0 : 1;
  const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
  const character = bytes.subarray(at, at + length);
  const isWhole = character.length === length && character.subarray(1).every((next) => next >> 6 === 2);
  // Overlong forms and surrogates are left to the decoder.
  return isWhole && !utf8.decode(character).includes(replacement) ? length : 0;
}
