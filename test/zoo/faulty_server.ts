/** A file server on the loopback interface that misbehaves as it is told, a line for each request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to one request. */
export type Behaviour =
  /** Serves it, ranges included. */
  | "well"
  /** Sends so many bytes of the body and cuts the connection. */
  | { readonly cutAfter: number }
  /** Sends so many bytes and then nothing more. */
  | { readonly silentAfter: number }
  /** Answers with a status and a page that is no model. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Takes no notice of Range. */
  | "without ranges"
  /** Says nothing of the length, and ends the body early without a word. */
  | { readonly endAfter: number }
  /** Sends other bytes of the same length. */
  | "other bytes"
  /** Serves a file of another length. */
  | { readonly length: number }
  /** Promises nothing and sends without end. */
  | "endless"
  /** Sends a range that begins elsewhere. */
  | "wrong range";

export interface FaultyServer {
  /** Address of its root. */
  readonly url: string;
  /** Path and Range header of each request. */
  readonly requests: readonly { readonly path: string; readonly range: string | undefined }[];
  /** What the next requests meet; "well" when these are used up. */
  plan(...behaviours: Behaviour[]): void;
  close(): Promise<void>;
}

/** @param content what every path serves */
export async function startFaultyServer(content: Uint8Array): Promise<FaultyServer> {
  const requests: { path: string; range: string | undefined }[] = [];
  let behaviours: Behaviour[] = [];
  const server = createServer((request, response) => {
    requests.push({ path: request.url ?? "", range: request.headers.range });
    answer(behaviours.shift() ?? "well", content, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    plan: (...next) => {
      behaviours = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(
  behaviour: Behaviour,
  content: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const whole = content.length;
  if (behaviour === "endless") {
    response.writeHead(200);
    const more = () => {
      while (response.write(new Uint8Array(65_536)));
    };
    response.on("drain", more);
    more();
    return;
  }
  if (behaviour === "other bytes") {
    response.writeHead(200, { "content-length": whole });
    response.end(content.map((byte) => byte ^ 0xff));
    return;
  }
  if (behaviour === "wrong range") {
    response.writeHead(206, { "content-range": `bytes ${from + 1}-${whole - 1}/${whole}` });
    response.end(content.subarray(from + 1));
    return;
  }
  if (typeof behaviour === "object" && "status" in behaviour) {
    response.writeHead(behaviour.status, behaviour.headers ?? {});
    response.end("<html>not a model</html>");
    return;
  }
  if (typeof behaviour === "object" && "length" in behaviour) {
    response.writeHead(200, { "content-length": behaviour.length });
    response.end(new Uint8Array(behaviour.length));
    return;
  }
  const start = behaviour === "without ranges" ? 0 : from;
  const known =
    typeof behaviour === "object" && "endAfter" in behaviour ? {} : { "content-length": whole - start };
  const partial = { ...known, "content-range": `bytes ${start}-${whole - 1}/${whole}` };
  response.writeHead(start > 0 ? 206 : 200, start > 0 ? partial : known);
  if (typeof behaviour === "string") {
    response.end(content.subarray(start));
    return;
  }
  if ("endAfter" in behaviour) response.end(content.subarray(start, start + behaviour.endAfter));
  else if ("silentAfter" in behaviour) response.write(content.subarray(start, start + behaviour.silentAfter));
  else {
    // The bytes must be on their way before the connection is reset.
    response.write(content.subarray(start, start + behaviour.cutAfter), () =>
      setTimeout(() => response.destroy(), 20),
    );
  }
}
