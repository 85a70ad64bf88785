/* Reads a payload as far as the agent itself depends on it (docs/MODULE.md, "ABI"). */
#include "payload.h"

#include <string.h>

#include "refusal.h"

enum section_id {
    SECTION_CUSTOM = 0,
    SECTION_IMPORT = 2
};

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

static bool read_integer(struct reader *reader, uint32_t *value)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (reader->at == reader->end)
            return false;
        uint8_t byte = *reader->at++;
        sum |= (uint64_t)(byte & 0x7fu) << shift;
        if (byte < 0x80) {
            *value = (uint32_t)sum;
            return sum <= UINT32_MAX;
        }
    }
    return false;
}

static bool read_span(struct reader *reader, const uint8_t **bytes, uint32_t *length)
{
    if (!read_integer(reader, length) || *length > (size_t)(reader->end - reader->at))
        return false;
    *bytes = reader->at;
    reader->at += *length;
    return true;
}

static bool is(const uint8_t *bytes, uint32_t length, const char *text)
{
    return length == strlen(text) && memcmp(bytes, text, length) == 0;
}

static bool malformed(void)
{
    return wamlet_refuse(WAMLET_LOAD_FAILED, "The payload's sections are cut off.");
}

/* The runtime links nothing but `wamlet.layer`; what else a module asks for is refused by name. */
static bool check_imports(const struct wamlet_section *section, bool layers)
{
    struct reader reader = {section->body, section->body + section->bytes};
    uint32_t count;
    if (!read_integer(&reader, &count))
        return malformed();
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *module, *name;
        uint32_t module_bytes, name_bytes, type;
        if (!read_span(&reader, &module, &module_bytes) || !read_span(&reader, &name, &name_bytes)
            || reader.at == reader.end)
            return malformed();
        bool function = *reader.at++ == 0;
        if (!layers || !function || !is(module, module_bytes, "wamlet") || !is(name, name_bytes, "layer")) {
            wamlet_refuse(WAMLET_LOAD_FAILED, "This agent does not offer the import ");
            wamlet_refusal_append((const char *)module, module_bytes);
            wamlet_refusal_append(".", 1);
            wamlet_refusal_append((const char *)name, name_bytes);
            return false;
        }
        if (!read_integer(&reader, &type))
            return malformed();
    }
    return true;
}

/* A section's place in the order that WebAssembly prescribes, 0 for one that the ABI does not allow. */
static unsigned rank(uint8_t id)
{
    /* Type, import, function, memory, global, export, data count, code, data; no table, start, element. */
    static const uint8_t order[] = {1, 2, 3, 5, 6, 7, 12, 10, 11};
    for (unsigned i = 0; i < sizeof order; i++) {
        if (order[i] == id)
            return i + 1;
    }
    return 0;
}

bool wamlet_payload_sections(const uint8_t *payload, size_t length, bool layers,
                             struct wamlet_section sections[WAMLET_MOST_SECTIONS], unsigned *count)
{
    static const uint8_t magic[8] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    struct reader reader = {payload + sizeof magic, payload + length};
    unsigned last = 0;
    *count = 0;
    if (length < sizeof magic || memcmp(payload, magic, sizeof magic) != 0)
        return wamlet_refuse(WAMLET_LOAD_FAILED, "The payload is no WebAssembly module.");
    while (reader.at < reader.end) {
        struct wamlet_section section = {.id = *reader.at++};
        if (!read_span(&reader, &section.body, &section.bytes))
            return malformed();
        if (section.id == SECTION_CUSTOM)
            continue;
        if (rank(section.id) <= last)
            return wamlet_refuse_number(WAMLET_LOAD_FAILED, section.id,
                                        "The payload has a section that the ABI does not allow there.");
        last = rank(section.id);
        if (section.id == SECTION_IMPORT && !check_imports(&section, layers))
            return false;
        sections[(*count)++] = section;
    }
    return true;
}
