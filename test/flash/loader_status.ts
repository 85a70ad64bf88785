/** What loaders answer of a command: two bytes, of which the first is 0 where it was carried out. */

/** Status and reason; the ROM's reasons are documented, the stub's stand in its soc_support.h. */
export const ok = [0, 0] as const;
const romFailure = (reason: number) => [1, reason] as const;
export const romInvalid = romFailure(0x05);
export const romFailed = romFailure(0x06);
export const romBadChecksum = romFailure(0x07);
export const romWriteFailed = romFailure(0x08);
export const romDeflateFailed = romFailure(0x0b);
export const stubBadLength = [0xc0, 0] as const;
export const stubBadChecksum = [0xc1, 0] as const;
export const stubFlashFailed = [0xc4, 0] as const;
export const stubNotFlashing = [0xc6, 0] as const;
export const stubInflateFailed = [0xc7, 0] as const;
export const stubTooMuch = [0xc9, 0] as const;
export const stubUnknown = [0xff, 0] as const;

export type Status = readonly [number, number];
