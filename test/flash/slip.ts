/** SLIP as Espressif's loaders speak it (RFC 1055), written apart from the host's. */

export function slipEncode(packet: Uint8Array): Uint8Array {
  const escaped = [...packet].flatMap((byte) =>
    byte === 0xc0 ? [0xdb, 0xdc] : byte === 0xdb ? [0xdb, 0xdd] : [byte],
  );
  return Uint8Array.from([0xc0, ...escaped, 0xc0]);
}

export class SlipDecoder {
  #packet: number[] | null = null;
  #escaping = false;

  /** Packets that end within these bytes. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (const byte of bytes) {
      if (byte === 0xc0) {
        if (this.#packet !== null && this.#packet.length > 0) {
          yield Uint8Array.from(this.#packet);
          this.#packet = null;
        } else this.#packet = [];
        this.#escaping = false;
      } else if (this.#packet !== null) {
        if (this.#escaping) this.#packet.push(byte === 0xdc ? 0xc0 : byte === 0xdd ? 0xdb : byte);
        else if (byte !== 0xdb) this.#packet.push(byte);
        this.#escaping = !this.#escaping && byte === 0xdb;
        // A receive buffer is that long (stub_flasher.c, MAX_WRITE_BLOCK + 64).
        if (this.#packet.length > 0x4040) this.#packet = null;
      }
    }
  }

  reset(): void {
    this.#packet = null;
    this.#escaping = false;
  }
}
