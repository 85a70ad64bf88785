/*
 * Runs the agent's parts by commands, one a line, each answered by one line: how test/boards/agent.test.ts holds the C
 * to the TypeScript reference. Flash is memory here, and its power can be cut at any operation.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "link.h"
#include "manifest.h"
#include "message.h"
#include "payload.h"
#include "pool.h"
#include "port.h"
#include "refusal.h"
#include "sha256.h"
#include "store.h"

#define MOST_BYTES (1 << 20)

static uint8_t argument[MOST_BYTES];

/* Hexadecimal to bytes in memory of exactly that size, so that the sanitizer sees every byte read beyond it. */
static uint8_t *unhex(const char *text, size_t *length)
{
    *length = text == NULL ? 0 : strlen(text) / 2;
    uint8_t *bytes = malloc(*length > 0 ? *length : 1);
    for (size_t i = 0; i < *length; i++) {
        unsigned value;
        sscanf(text + 2 * i, "%2x", &value);
        bytes[i] = (uint8_t)value;
    }
    return bytes;
}

static void print_hex(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf("%02x", bytes[i]);
}

static void print_refusal(void)
{
    printf("refused %d", (int)wamlet_refusal.code);
    for (unsigned i = 0; i < wamlet_refusal.number_count; i++)
        printf(" %llu", (unsigned long long)wamlet_refusal.numbers[i]);
}

/* The line. */

static struct wamlet_link link_under_test;
static uint8_t receive_buffer[1 << 16];
static size_t output_bytes;

static void collect(void *context, const uint8_t *bytes, size_t length)
{
    (void)context;
    memcpy(argument + output_bytes, bytes, length);
    output_bytes += length;
}

static void link_command(const char *command, char *rest)
{
    size_t length;
    uint8_t *bytes = NULL;
    if (strcmp(command, "start") == 0) {
        unsigned buffer, payload, boot;
        sscanf(rest, "%u %u %u", &buffer, &payload, &boot);
        const struct wamlet_link_options options = {receive_buffer, buffer, (uint16_t)payload, boot, collect, NULL};
        wamlet_link_start(&link_under_test, &options);
        printf("ok");
    } else if (strcmp(command, "receive") == 0) {
        bytes = unhex(rest, &length);
        wamlet_receive_put(&link_under_test.receive, bytes, length);
        printf("ok");
    } else if (strcmp(command, "send") == 0) {
        bytes = unhex(rest, &length);
        printf(wamlet_link_send(&link_under_test, bytes, (uint32_t)length) ? "ok" : "no room");
    } else if (strcmp(command, "log") == 0) {
        wamlet_link_log(&link_under_test, (uint8_t)rest[0] - '0', rest + 2);
        printf("ok");
    } else if (strcmp(command, "ahead") == 0) {
        printf(wamlet_link_look_ahead(&link_under_test) ? "opened" : "ok");
    } else if (strcmp(command, "next") == 0) {
        switch (wamlet_link_next(&link_under_test)) {
        case WAMLET_NO_EVENT:
            printf("none");
            break;
        case WAMLET_OPENED:
            printf("open %u %u", link_under_test.session, (unsigned)link_under_test.peer_payload);
            break;
        case WAMLET_MESSAGE:
            printf("message ");
            print_hex(link_under_test.message, link_under_test.message_bytes);
            break;
        }
    } else {
        output_bytes = 0;
        if (wamlet_link_output(&link_under_test))
            print_hex(argument, output_bytes);
        else
            printf("none");
    }
    free(bytes);
}

/* The flash. */

static struct wamlet_flash flash;
static uint8_t *area;
static uint32_t area_bytes;
static struct wamlet_store store;
static uint8_t scratch[WAMLET_MOST_PAYLOAD];
static unsigned operations;
static long cut_at = -1;
static enum { BEFORE, INSIDE, AFTER } tear;
static unsigned noise;
static jmp_buf power;

static uint8_t random_byte(void)
{
    noise = noise * 1664525u + 1013904223u;
    return (uint8_t)(noise >> 24);
}

static bool misused;

static bool operate(uint8_t *to, const uint8_t *from, uint32_t length, uint32_t unit)
{
    bool cut = cut_at >= 0 && (long)operations >= cut_at;
    operations++;
    if (!cut || tear == AFTER) {
        if (from == NULL)
            memset(to, 0xff, length);
        else
            memcpy(to, from, length);
    } else if (tear == INSIDE) {
        if (from == NULL) {
            for (uint32_t i = 0; i < length; i++)
                to[i] |= random_byte();
        } else {
            uint32_t words = random_byte() % (length / unit) * unit;
            memcpy(to, from, words);
            for (uint32_t i = words; i < words + unit; i++)
                to[i] = from[i] | random_byte();
        }
    }
    if (cut)
        longjmp(power, 1);
    return true;
}

bool wamlet_port_erase(uint32_t address)
{
    misused = misused || address % flash.sector_bytes != 0 || address + flash.sector_bytes > area_bytes;
    return operate(area + address, NULL, flash.sector_bytes, 1);
}

bool wamlet_port_program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    misused = misused || address % flash.word_bytes != 0 || length % flash.word_bytes != 0 || length == 0
              || address + length > area_bytes;
    for (uint32_t i = 0; i < length; i++)
        misused = misused || area[address + i] != 0xff;
    return operate(area + address, bytes, length, flash.word_bytes);
}

static void print_store(bool done)
{
    if (misused)
        printf("misused flash");
    else if (done)
        printf("ok");
    else
        print_refusal();
}

static void store_command(const char *command, char *rest)
{
    /* Static, because a cut of the power comes back here by longjmp. */
    static uint8_t *bytes;
    size_t length, name_length = 0;
    uint32_t slot = 0;
    unsigned a, b, c, d;
    if (setjmp(power) != 0) {
        cut_at = -1;
        free(bytes);
        printf("cut\n");
        return;
    }
    bytes = NULL;
    if (strcmp(command, "new") == 0) {
        sscanf(rest, "%u %u %u %u", &a, &b, &c, &d);
        free(area);
        area_bytes = 2 * c + a * b;
        area = malloc(area_bytes);
        memset(area, 0xff, area_bytes);
        flash = (struct wamlet_flash){area, a, b, c, d};
        misused = false;
        print_store(wamlet_store_mount(&store, &flash, scratch));
    } else if (strcmp(command, "image") == 0) {
        bytes = unhex(rest, &length);
        memcpy(area, bytes, length);
        printf("ok");
    } else if (strcmp(command, "mount") == 0) {
        print_store(wamlet_store_mount(&store, &flash, scratch));
    } else if (strcmp(command, "power") == 0) {
        char how[8];
        sscanf(rest, "%u %7s %u", &a, how, &noise);
        tear = how[0] == 'b' ? BEFORE : how[0] == 'i' ? INSIDE : AFTER;
        cut_at = (long)operations + (long)a;
        printf("ok");
    } else if (strcmp(command, "restored") == 0) {
        cut_at = -1;
        printf("ok");
    } else if (strcmp(command, "hash") == 0) {
        uint8_t digest[WAMLET_SHA256_BYTES];
        wamlet_sha256(area, area_bytes, digest);
        print_hex(digest, sizeof digest);
    } else if (strcmp(command, "list") == 0) {
        for (uint32_t i = 0; i < flash.slots; i++) {
            struct wamlet_span name = wamlet_store_name(&store, i);
            const struct wamlet_slot *content = &store.slots[i];
            if (content->state == WAMLET_SLOT_FREE)
                continue;
            printf("%u:%.*s:%u%s%s%s ", (unsigned)i, (int)name.length, (const char *)name.bytes,
                   (unsigned)content->sequence, content->state == WAMLET_SLOT_PARTIAL ? ":partial" : "",
                   content->faulted ? ":faulted" : "", wamlet_store_active(&store) == i ? ":active" : "");
        }
        printf(".");
    } else if (strcmp(command, "begin") == 0) {
        struct wamlet_manifest manifest;
        char *name = strchr(rest, ' ');
        if (name != NULL)
            *name++ = 0;
        bytes = unhex(rest, &length);
        name_length = name == NULL ? 0 : strlen(name);
        struct wamlet_span span = {(const uint8_t *)name, name_length};
        if (!wamlet_manifest_read(&manifest, bytes, length) || !wamlet_store_begin(&store, &manifest, span))
            print_store(false);
        else if (misused)
            printf("misused flash");
        else
            printf("ok %u %u", (unsigned)store.deployment.slot, (unsigned)store.deployment.received);
    } else if (strcmp(command, "write") == 0) {
        char *data = strchr(rest, ' ');
        bytes = unhex(data + 1, &length);
        print_store(wamlet_store_write(&store, strtoull(rest, NULL, 10), bytes, (uint32_t)length));
    } else if (strcmp(command, "commit") == 0) {
        print_store(wamlet_store_commit(&store, &slot));
    } else {
        struct wamlet_span span = {(const uint8_t *)rest, strlen(rest)};
        if (!wamlet_store_find(&store, span, &slot))
            print_store(false);
        else if (strcmp(command, "intact") == 0)
            printf(wamlet_store_intact(&store, slot) ? "ok" : "damaged");
        else if (strcmp(command, "activate") == 0)
            print_store(wamlet_store_activate(&store, slot));
        else if (strcmp(command, "fault") == 0)
            print_store(wamlet_store_mark_faulted(&store, slot));
        else
            print_store(wamlet_store_remove(&store, slot));
    }
    printf("\n");
    free(bytes);
}

/* Fields, messages, manifests, payloads. */

/* `write 1 i 300 ; 2 b 0011`: what the writer makes of fields, `[3 … ]` around a record, `p` packed. */
static void write_fields(char *rest)
{
    struct wamlet_writer writer;
    size_t begun[4], depth = 0;
    wamlet_writer_start(&writer, argument, 4096);
    for (char *word = strtok(rest, " "); word != NULL; word = strtok(NULL, " ")) {
        if (word[0] == '[') {
            begun[depth++] = wamlet_write_begin(&writer, (uint8_t)atoi(word + 1));
        } else if (word[0] == ']') {
            wamlet_write_end(&writer, begun[--depth]);
        } else if (word[0] == 'p') {
            wamlet_write_packed(&writer, strtoull(word + 1, NULL, 10));
        } else {
            uint8_t tag = (uint8_t)atoi(word);
            char *kind = strtok(NULL, " ");
            if (kind[0] == 'i') {
                wamlet_write_integer(&writer, tag, strtoull(kind + 1, NULL, 10));
            } else {
                size_t length;
                uint8_t *bytes = unhex(kind + 1, &length);
                wamlet_write_bytes(&writer, tag, bytes, length);
                free(bytes);
            }
        }
    }
    print_hex(argument, writer.length);
}

static void read_message(char *rest)
{
    struct wamlet_request request;
    size_t length;
    uint8_t *bytes = unhex(rest, &length);
    switch (wamlet_request_read(&request, bytes, length)) {
    case WAMLET_DECODED_UNKNOWN:
        printf("unknown %u %llu", request.type, (unsigned long long)request.integer[1]);
        break;
    case WAMLET_DECODED_MALFORMED:
        printf("malformed");
        break;
    case WAMLET_DECODED:
        printf("%u", request.type);
        for (unsigned tag = 1; tag < WAMLET_MOST_TAGS; tag++) {
            if (request.integer[tag] != 0)
                printf(" %u=%llu", tag, (unsigned long long)request.integer[tag]);
            if (request.span[tag].length > 0) {
                printf(" %u=", tag);
                print_hex(request.span[tag].bytes, request.span[tag].length);
            }
        }
    }
    free(bytes);
}

static void read_manifest(char *rest)
{
    struct wamlet_manifest manifest;
    size_t length;
    uint8_t *bytes = unhex(rest, &length);
    if (wamlet_manifest_read(&manifest, bytes, length)) {
        printf("%u %.*s %.*s %u ", (unsigned)manifest.abi, (int)manifest.name.length,
               (const char *)manifest.name.bytes, (int)manifest.version.length,
               (const char *)manifest.version.bytes, (unsigned)manifest.payload_bytes);
        print_hex(manifest.payload_sha256, 32);
        printf(" %u %u %u %llu %u", (unsigned)manifest.linear_memory_bytes, (unsigned)manifest.runtime_bytes,
               (unsigned)manifest.features, (unsigned long long)manifest.opcode_budget, (unsigned)manifest.layers);
        for (unsigned i = 0; i < manifest.inputs; i++)
            printf(" in%u+%u", (unsigned)wamlet_manifest_input(&manifest, i).offset,
                   (unsigned)wamlet_manifest_input(&manifest, i).bytes);
        for (unsigned i = 0; i < manifest.outputs; i++)
            printf(" out%u+%u", (unsigned)wamlet_manifest_output(&manifest, i).offset,
                   (unsigned)wamlet_manifest_output(&manifest, i).bytes);
    } else {
        print_refusal();
    }
    free(bytes);
}

static void read_payload(char *rest)
{
    struct wamlet_section sections[WAMLET_MOST_SECTIONS];
    unsigned count;
    size_t length;
    uint8_t *bytes = unhex(rest + 2, &length);
    if (wamlet_payload_sections(bytes, length, rest[0] == '1', sections, &count)) {
        printf("ok");
        for (unsigned i = 0; i < count; i++)
            printf(" %u", sections[i].id);
    } else {
        print_refusal();
        printf(" %s", wamlet_refusal.text);
    }
    free(bytes);
}

/* Allocates, reallocates and frees at random; every block must keep what was written to it. */
static void exercise_pool(char *rest)
{
    static uint64_t memory[4096];
    struct {
        uint8_t *bytes;
        unsigned length;
        uint8_t filling;
    } blocks[64] = {{0}};
    unsigned rounds;
    sscanf(rest, "%u %u", &noise, &rounds);
    wamlet_pool_start((uint8_t *)memory, sizeof memory);
    for (unsigned round = 0; round < rounds; round++) {
        unsigned i = random_byte() % 64u;
        unsigned length = random_byte() * (random_byte() % 16u);
        for (unsigned k = 0; blocks[i].bytes != NULL && k < blocks[i].length; k++) {
            if (blocks[i].bytes[k] != blocks[i].filling) {
                printf("block damaged in round %u", round);
                return;
            }
        }
        if (blocks[i].bytes != NULL && random_byte() < 192) {
            wamlet_pool_free(blocks[i].bytes);
            blocks[i].bytes = NULL;
        } else {
            uint32_t largest = wamlet_pool_largest();
            bool fresh = blocks[i].bytes == NULL;
            uint32_t used = wamlet_pool_used();
            uint8_t *bytes = wamlet_pool_reallocate(blocks[i].bytes, length);
            if (fresh && (bytes != NULL) != (length <= largest)) {
                printf("%u bytes against a largest block of %u", length, (unsigned)largest);
                return;
            }
            if (fresh && bytes != NULL && wamlet_pool_used() - used != (length + 7) / 8 * 8 + 8) {
                printf("%u bytes took %u", length, (unsigned)(wamlet_pool_used() - used));
                return;
            }
            if (bytes != NULL) {
                blocks[i].bytes = bytes;
                blocks[i].length = length;
                blocks[i].filling = random_byte();
                memset(bytes, blocks[i].filling, length);
            }
        }
        if (!wamlet_pool_is_sound()) {
            printf("unsound in round %u", round);
            return;
        }
    }
    for (unsigned i = 0; i < 64; i++)
        wamlet_pool_free(blocks[i].bytes);
    printf("used %u, largest %u of %u", (unsigned)wamlet_pool_used(), (unsigned)wamlet_pool_largest(),
           (unsigned)wamlet_pool_total());
}

static void decode_frame(char *rest)
{
    struct wamlet_frame_reader reader;
    struct wamlet_header header;
    size_t length;
    uint8_t *bytes = unhex(rest, &length);
    wamlet_frame_start(&reader, argument, 5000);
    for (size_t i = 0; i < length; i++)
        wamlet_frame_take(&reader, bytes[i]);
    if (wamlet_frame_check(&reader, &header)) {
        printf("%u %u %u %u %u ", header.kind, header.session, header.sequence, header.ack, header.window);
        print_hex(argument + WAMLET_HEADER_BYTES, reader.length - WAMLET_HEADER_BYTES - WAMLET_CRC_BYTES);
    } else {
        printf("damaged");
    }
    free(bytes);
}

static void encode_frame(char *rest)
{
    struct wamlet_frame_writer writer = {.write = collect};
    unsigned kind, session, sequence, ack, window;
    int at;
    size_t length;
    sscanf(rest, "%u %u %u %u %u %n", &kind, &session, &sequence, &ack, &window, &at);
    const struct wamlet_header header = {(uint8_t)kind, (uint8_t)session, (uint8_t)sequence, (uint8_t)ack,
                                         (uint16_t)window};
    uint8_t *bytes = unhex(rest + at, &length);
    output_bytes = 0;
    wamlet_frame_begin(&writer, &header, false);
    wamlet_frame_payload(&writer, bytes, length);
    wamlet_frame_end(&writer);
    print_hex(argument, output_bytes);
    free(bytes);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    while ((length = getline(&line, &room, stdin)) > 0) {
        line[length - 1] = 0;
        char *command = strchr(line, '.');
        char *rest = strchr(line, ' ');
        if (rest != NULL)
            *rest++ = 0;
        else
            rest = line + length - 1;
        if (command != NULL && command < rest)
            *command++ = 0;
        if (strcmp(line, "store") == 0) {
            /* It ends its own line, for a cut of the power leaves it by longjmp. */
            store_command(command, rest);
            continue;
        }
        if (strcmp(line, "link") == 0)
            link_command(command, rest);
        else if (strcmp(line, "encode") == 0)
            encode_frame(rest);
        else if (strcmp(line, "decode") == 0)
            decode_frame(rest);
        else if (strcmp(line, "fields") == 0)
            write_fields(rest);
        else if (strcmp(line, "message") == 0)
            read_message(rest);
        else if (strcmp(line, "manifest") == 0)
            read_manifest(rest);
        else if (strcmp(line, "payload") == 0)
            read_payload(rest);
        else if (strcmp(line, "pool") == 0)
            exercise_pool(rest);
        printf("\n");
    }
    free(line);
    free(area);
    return 0;
}
