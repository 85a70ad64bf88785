/**
 * Two links joined by a line that loses, doubles, damages and cuts frames in both directions, in simulated time.
 * The device computes for a while on each message and consumes nothing meanwhile, as a real one does.
 */
import { Link, type LinkEvent } from "../../host/wire/link.js";
import { chance, seeded } from "./random.js";

export interface LineOptions {
  readonly seed: number;
  /** Probability of each kind of fault for each frame. */
  readonly faults: number;
  readonly deviceBufferBytes?: number;
  readonly devicePayload?: number;
  /** Milliseconds that the device takes for a message. */
  readonly compute?: (random: () => number) => number;
  readonly silence?: number;
}

interface Flight {
  readonly arrives: number;
  readonly bytes: Uint8Array;
}

/** 115200 baud. */
const bytesPerMillisecond = 11.52;

export class SimulatedLine {
  readonly random: () => number;
  readonly host: Link;
  device: Link;
  readonly hostEvents: LinkEvent[] = [];
  readonly deviceEvents: LinkEvent[] = [];
  now = 0;
  faults: number;
  /** The most DATA bytes that were ever under way to the device, and the most it granted. */
  mostUnderWay = 0;
  /** Called for each message that the device consumes; may send through `device`. */
  onDeviceMessage: (payload: Uint8Array) => void = () => {};
  #busyUntil = 0;
  #bootId = 1;
  #toDevice: Flight[] = [];
  #toHost: Flight[] = [];
  #hostFree = 0;
  #deviceFree = 0;
  readonly #options: LineOptions;

  constructor(options: LineOptions) {
    this.#options = options;
    this.random = seeded(options.seed);
    this.faults = options.faults;
    this.host = new Link({
      role: "host",
      bufferBytes: 65_536 + 64,
      maxPayload: 4096,
      baudRate: 115_200,
      silence: options.silence ?? 60_000,
      patience: 5000,
      random: this.random,
    });
    this.device = this.#boot();
    this.host.start(0);
  }

  get window(): number {
    return Math.min(0xffff, (this.#options.deviceBufferBytes ?? 2048) - 64);
  }

  /** The board loses power: its memory is gone, and a new agent announces itself. */
  restart(): void {
    this.#toDevice = [];
    this.#busyUntil = 0;
    this.device = this.#boot();
  }

  /** Runs until `done`, or throws after `limit` simulated milliseconds. */
  run(done: () => boolean, limit = 600_000): void {
    const end = this.now + limit;
    while (!done()) {
      if (this.now > end) throw new Error(`nothing came of it within ${limit} simulated milliseconds`);
      this.step();
    }
  }

  step(): void {
    this.now += 1;
    for (const bytes of this.#arrived(this.#toDevice)) this.device.receive(bytes, this.now);
    for (const bytes of this.#arrived(this.#toHost)) this.host.receive(bytes, this.now);
    this.#hostTurn();
    if (this.now >= this.#busyUntil) this.#deviceTurn();
    this.#hostFree = this.#transmit(this.host, this.#toDevice, this.#hostFree);
    this.mostUnderWay = Math.max(this.mostUnderWay, this.host.underWay);
    this.#deviceFree = this.#transmit(this.device, this.#toHost, this.#deviceFree);
  }

  #boot(): Link {
    const device = new Link({
      role: "device",
      bufferBytes: this.#options.deviceBufferBytes ?? 2048,
      maxPayload: this.#options.devicePayload ?? 1024,
      bootId: this.#bootId++,
    });
    device.start(this.now);
    return device;
  }

  #hostTurn(): void {
    for (let event = this.host.next(); event !== null; event = this.host.next()) this.hostEvents.push(event);
    this.host.tick(this.now);
    for (let event = this.host.next(); event !== null; event = this.host.next()) this.hostEvents.push(event);
  }

  #deviceTurn(): void {
    for (let event = this.device.next(); event !== null; event = this.device.next()) {
      this.deviceEvents.push(event);
      if (event.type !== "message") continue;
      this.onDeviceMessage(event.payload);
      const duration = this.#options.compute?.(this.random) ?? 0;
      if (duration === 0) continue;
      this.#busyUntil = this.now + duration;
      return;
    }
  }

  #transmit(link: Link, flights: Flight[], freeAt: number): number {
    let free = freeAt;
    while (free <= this.now) {
      const bytes = link.output(this.now);
      if (bytes === null) break;
      free = Math.max(free, this.now) + bytes.length / bytesPerMillisecond;
      for (const arrived of this.#spoil(bytes)) flights.push({ arrives: free, bytes: arrived });
    }
    return free;
  }

  #spoil(bytes: Uint8Array): Uint8Array[] {
    if (chance(this.random, this.faults)) return [];
    if (chance(this.random, this.faults)) return [bytes, bytes];
    if (chance(this.random, this.faults)) return [bytes.subarray(0, this.random() % bytes.length)];
    if (!chance(this.random, this.faults)) return [bytes];
    const damaged = bytes.slice();
    const place = this.random() % damaged.length;
    damaged[place] = (damaged[place] ?? 0) ^ (1 << (this.random() % 8));
    return [damaged];
  }

  #arrived(flights: Flight[]): Uint8Array[] {
    const arrived: Uint8Array[] = [];
    while (flights[0] !== undefined && flights[0].arrives <= this.now)
      arrived.push((flights.shift() as Flight).bytes);
    return arrived;
  }
}

/** A numbered message of some length: its number is readable, its bytes are checked. */
export function numbered(index: number, length: number): Uint8Array {
  const payload = new Uint8Array(Math.max(4, length));
  for (let place = 4; place < payload.length; place++) payload[place] = (index * 31 + place * 7) & 0xff;
  new DataView(payload.buffer).setUint32(0, index, true);
  return payload;
}
