/** Opens a line and waits for the agent's first answer, at one speed after the other where it is not known. */
import { WamletError } from "../errors.js";
import { interrupted } from "../transport/abort.js";
import type { ByteStream } from "../transport/byte_stream.js";
import { Conversation, type ConversationOptions } from "./conversation.js";
import { usualConnectTimeout } from "./line_driver.js";

export interface GreetOptions extends ConversationOptions {
  /** Gives up. */
  readonly signal?: AbortSignal | undefined;
}

export interface Greeted {
  readonly stream: ByteStream;
  readonly conversation: Conversation;
}

/** Four greetings go out in this time; an agent that is not at work answers the first. */
const attemptMilliseconds = 1200;
/** Text this long is none by chance: noise of another speed seldom holds ten readable characters. */
const surelyText = /[\x20-\x7e]{16}/;

/**
 * @param open opens the line at a speed; undefined leaves it to the transport
 * @param rates to try, again and again until the time is over; where readable text comes, the speed is right
 * @throws WamletError what opening throws; WAMLET_LINE_TIMEOUT where no agent answers, naming the speeds
 */
export async function greet(
  open: (baudRate: number | undefined) => Promise<ByteStream>,
  rates: readonly number[],
  options: GreetOptions,
): Promise<Greeted> {
  const timeout = options.connectTimeout ?? usualConnectTimeout;
  const until = performance.now() + timeout;
  let left: readonly (number | undefined)[] = rates.length === 0 ? [undefined] : rates;
  for (let attempt = 0; ; attempt++) {
    const rate = left[attempt % left.length];
    const remaining = Math.max(1, until - performance.now());
    const connectTimeout = left.length === 1 ? remaining : Math.min(attemptMilliseconds, remaining);
    const onConsole = (text: string) => {
      if (surelyText.test(text)) left = [rate];
      options.onConsole?.(text);
    };
    const stream = await open(rate);
    const conversation = new Conversation(stream, { ...options, onConsole, connectTimeout });
    const failure = await opened(conversation, options.signal);
    if (failure === null) return { stream, conversation };
    await conversation.close();
    const silent = failure instanceof WamletError && failure.code === "WAMLET_LINE_TIMEOUT";
    if (!silent) throw failure;
    if (connectTimeout === remaining) throw rates.length === 0 ? failure : nobodyAt(rates, timeout, failure);
  }
}

/** What went wrong, or null. */
async function opened(conversation: Conversation, signal: AbortSignal | undefined): Promise<unknown> {
  const abort = () => void conversation.close();
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  try {
    await conversation.opened();
    return null;
  } catch (error) {
    return signal?.aborted ? interrupted() : error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function nobodyAt(rates: readonly number[], timeout: number, cause: WamletError): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `No Wamlet agent has answered within ${timeout / 1000} s at ${rates.join(" or ")} baud.`,
    "Check that the agent is flashed and that this is its port; if its line has another speed, name the board (--board) or the speed (--baud-rate).",
    { cause },
  );
}
