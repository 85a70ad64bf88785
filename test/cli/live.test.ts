import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { example, Workplace } from "./workplace.js";

const place = new Workplace();
const file = example("motion", "frames.csv");
const at = ["--port", place.port];
/** `label, 192 values` of each frame. */
const rows = readFileSync(file, "utf8")
  .trimEnd()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",").map(Number));
const jsonLines = rows.map(([label, ...values]) => `${JSON.stringify({ values, label })}\n`);
let motion = "";
beforeAll(async () => {
  motion = await place.compile("motion");
  await place.run("deploy", motion, ...at);
});
afterAll(() => place.close());

/** A program that sends frames to whoever connects. */
async function sender(send: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => send(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `tcp://127.0.0.1:${address.port}`;
}

const records = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("wamlet stream from a live source", () => {
  it("answers JSON lines on stdin as it answers the same frames in a file", async () => {
    const words = ["-n", "12", "-o", "jsonl", ...at];
    const live = await place.pipe(jsonLines.join(""), "stream", "-", ...words);
    expect(live.exitCode).toBe(0);
    expect(live.stdout).toBe((await place.run("stream", file, ...words)).stdout);
    expect(records(live.stdout)).toHaveLength(12);
  });

  it("counts what is no frame and goes on with --malformed skip, and ends with the line otherwise", async () => {
    const [first = [], second = []] = rows.map(([, ...values]) => `${values.join(",")}\n`);
    const text = `${first}not,a,frame\n${second}1,2\n`;
    const words = ["stream", "-", "--format", "csv", "--no-header", "--json", ...at];
    const skipped = await place.pipe(text, ...words, "--malformed", "skip");
    expect(JSON.parse(skipped.stdout)).toMatchObject({
      frames: "stdin",
      live: { received: 2, dropped: 0, malformed: 2 },
      measurements: { frames: 2 },
    });
    const refused = await place.pipe(text, ...words);
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.stdout).error.message).toMatch(/line 2 of stdin/i);
    const nothing = await place.pipe("?\n!\n", "stream", "-", "--malformed", "skip", ...at);
    expect(nothing.stderr).toMatch(/None of 2 lines was a frame; the last: Line 2 of stdin/);
  });

  it("drops the oldest frames where the board is slower, counts them, and answers the newest", async () => {
    const frame = new Uint8Array(192).fill(7);
    const url = await sender((socket) => {
      for (let sent = 0; sent < 400; sent++) socket.write(frame);
      socket.end();
    });
    const full = ["--when-full", "drop-oldest", "--queue", "2", "--format", "raw"];
    const dropping = await place.json("stream", url, ...full, ...at);
    const { live, measurements } = dropping;
    expect(live).toMatchObject({ received: 400, malformed: 0 });
    expect(live.dropped).toBeGreaterThan(0);
    expect(measurements.frames).toBe(400 - live.dropped);
    const { stdout, stderr } = await place.run("stream", url, ...full, "-o", "jsonl", ...at);
    expect(records(stdout).at(-1).frame).toBe(399);
    expect(stderr).toMatch(/\d+ dropped, 0 malformed/);
  });

  it("slows the source down and loses nothing where it may wait", async () => {
    const url = await sender((socket) => socket.end(jsonLines.slice(0, 40).join("")));
    const report = await place.json("stream", url, "--queue", "1", ...at);
    expect(report.live).toEqual({ received: 40, dropped: 0, malformed: 0 });
    expect(report.measurements.frames).toBe(40);
    expect(report.measurements.accuracy.labelled).toBe(40);
  });

  it("ends with Ctrl-C, with the report so far and a board that is usable", async () => {
    const url = await sender((socket) => socket.write(jsonLines.slice(0, 9).join("")));
    const people = place.start("stream", url, "-o", "table", ...at);
    await people.saw(/^ +8 {2}/m);
    expect(await people.end("SIGINT")).toBe(2);
    expect(people.stdout).toMatch(/9 frames of tcp:.* interrupted\n/);
    expect(people.stdout).toMatch(/source +9 received, 0 dropped, 0 malformed, 9 answered/);
    expect(people.stderr).toBe("");

    const program = place.start("stream", url, "--json", "--record", "cut.jsonl", ...at);
    const lines = () =>
      existsSync(place.path("cut.jsonl")) ? readFileSync(place.path("cut.jsonl"), "utf8") : "";
    await vi.waitUntil(() => lines().split("\n").length === 11, { timeout: 60_000 });
    expect(await program.end("SIGINT")).toBe(2);
    expect(JSON.parse(program.stdout)).toMatchObject({ interrupted: true, live: { received: 9 } });
    expect((await place.json("modules", ...at)).modules).toMatchObject([{ name: "motion" }]);
  });

  it("that is not there is an error that names it", async () => {
    const closed = await place.json("stream", "tcp://127.0.0.1:1", ...at);
    expect(closed.error.code).toBe("WAMLET_PORT_NOT_FOUND");
    const missing = await place.json("stream", "serial:/dev/ttyWamletNone", ...at);
    expect(missing.error.code).toBe("WAMLET_PORT_NOT_FOUND");
    const unnamed = await place.json("stream", "serial:7", ...at);
    expect(unnamed.error.code).toBe("WAMLET_INVALID_PORT");
  });
});

describe("wamlet stream --record", () => {
  it("keeps frames, labels and answers, and a replay says whether the answers are the same", async () => {
    const recorded = await place.run("stream", file, "-n", "20", "--record", "day.jsonl", ...at);
    expect(recorded.stdout).toMatch(/recorded +day\.jsonl/);
    const replayed = await place.run("stream", "day.jsonl", ...at);
    expect(replayed.stdout).toMatch(/20 of 20 answers equal to the recording\n/);
    expect(replayed.stdout).toMatch(/accuracy .* of 20 right/);

    const lines = readFileSync(place.path("day.jsonl"), "utf8").split("\n");
    const sixth = JSON.parse(lines[6] ?? "");
    lines[6] = JSON.stringify({ ...sixth, outputs: [Buffer.from([1, 2, 3, 4]).toString("base64")] });
    writeFileSync(place.path("other.jsonl"), lines.join("\n"));
    const { replay } = await place.json("stream", "other.jsonl", ...at);
    expect(replay).toEqual({ compared: 20, equal: 19, firstDifferent: 5 });
  });

  it("goes on with --append, and never writes over a file without it", async () => {
    const words = ["stream", file, "-n", "3", "--record", "days.jsonl", ...at];
    await place.run(...words);
    const refused = await place.json(...words);
    expect(refused.error).toMatchObject({
      code: "WAMLET_FILE_UNWRITABLE",
      hint: expect.stringContaining("--append"),
    });
    expect((await place.run(...words, "--append")).exitCode).toBe(0);
    expect((await place.json("stream", "days.jsonl", ...at)).replay).toMatchObject({ compared: 6, equal: 6 });
  });

  it("of another model is refused", async () => {
    const digits = await place.compile("digits");
    await place.run("stream", file, "-n", "1", "--record", "wrist.jsonl", ...at);
    const { error } = await place.json("stream", "wrist.jsonl", "-m", digits, ...at);
    expect(error.code).toBe("WAMLET_WRONG_SHAPE");
    expect(error.hint).toContain("the module that it was recorded with");
  });
});

describe("what means nothing is a wrong command line:", () => {
  it.each([
    [[file, "--queue", "4"], /--queue means nothing for a file of frames/],
    [[file, "--append"], /--append says how to record, but nothing is recorded/],
    [["-", "--queue", "0"], /--queue 0 is no number of frames/],
    [["-", "--format", "wav"], /--format wav is for files/],
    [["-", "--hop", "20ms"], /Windows of a signal .* are for files/],
    [["-", "--format", "raw", "--real"], /--real means nothing for raw frames/],
    [["-", "--labels", example("digits", "labels.csv")], /labels of single frames means nothing/],
    [[file, "--timeout", "0"], /--timeout is 0/],
  ])("stream %j", async (words, message) => {
    const { exitCode, stderr } = await place.run("stream", ...words, ...at);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it("profile that has no frames but options for them", async () => {
    const { exitCode, stderr } = await place.run("profile", "motion", "--hop", "20ms", ...at);
    expect(stderr).toMatch(/there is no file of frames/);
    expect(exitCode).toBe(2);
  });
});
