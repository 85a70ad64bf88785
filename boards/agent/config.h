/* Sizes that a port may set at compile time: they decide how much static RAM the agent takes. */
#ifndef WAMLET_CONFIG_H
#define WAMLET_CONFIG_H

/* Largest message, in both directions. The store composes a slot's record of up to 1024 bytes in the same buffer. */
#ifndef WAMLET_MOST_PAYLOAD
#define WAMLET_MOST_PAYLOAD 1024
#endif

/* Messages that wait for their acknowledgement, bytes. Two of the largest keep the line busy. */
#ifndef WAMLET_TRANSMIT_BYTES
#define WAMLET_TRANSMIT_BYTES (2 * WAMLET_MOST_PAYLOAD)
#endif

/* Slots of the store that the agent can manage. */
#ifndef WAMLET_MOST_SLOTS
#define WAMLET_MOST_SLOTS 16
#endif

/* Largest flash word: a page of the RP2040. */
#ifndef WAMLET_MOST_WORD_BYTES
#define WAMLET_MOST_WORD_BYTES 256
#endif

#if WAMLET_MOST_PAYLOAD < 1024 || WAMLET_MOST_PAYLOAD > 4096
#error "WAMLET_MOST_PAYLOAD is 1024 to 4096"
#endif
#if WAMLET_TRANSMIT_BYTES < WAMLET_MOST_PAYLOAD
#error "WAMLET_TRANSMIT_BYTES holds no message"
#endif

#endif
