/* The module store: a partition of the flash, mapped once and for good. */
#include "esp_partition.h"

#include "esp_port.h"

/* As in partitions.csv and partitions_8mb.csv. */
#define PARTITION_NAME "wamlet_store"
#define PARTITION_SUBTYPE ((esp_partition_subtype_t)0x40)
#define SLOTS 4u
#define WORD_BYTES 4u

static const esp_partition_t *partition;

void store_open(struct wamlet_flash *flash)
{
    const void *mapped = NULL;
    esp_partition_mmap_handle_t handle;
    partition = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, PARTITION_SUBTYPE, PARTITION_NAME);
    if (partition == NULL)
        board_stop("the partition table has no " PARTITION_NAME ": flash the one of this build");
    /* The agent programs words of 4 bytes; an encrypted partition takes 16 at a time. */
    if (partition->encrypted)
        board_stop(PARTITION_NAME " is encrypted, and the store is not made for that");
    if (partition->size < (2 + 2 * SLOTS) * partition->erase_size)
        board_stop(PARTITION_NAME " is too small");
    /*
     * The mapping is never given up: loaded modules run from it. While flash is erased or written, ESP-IDF's driver
     * switches the cache off, holds the other core and all interrupts that are not in IRAM, and drops what the cache
     * held of the area; no module runs meanwhile, for the agent's task does both.
     */
    if (esp_partition_mmap(partition, 0, partition->size, ESP_PARTITION_MMAP_DATA, &mapped, &handle) != ESP_OK)
        board_stop(PARTITION_NAME " cannot be mapped");
    uint32_t slot_bytes = (partition->size - 2 * partition->erase_size) / SLOTS;
    *flash = (struct wamlet_flash){
        .mapped = mapped,
        .slots = SLOTS,
        .slot_bytes = slot_bytes - slot_bytes % partition->erase_size,
        .sector_bytes = partition->erase_size,
        .word_bytes = WORD_BYTES,
    };
}

bool wamlet_port_erase(uint32_t address)
{
    return esp_partition_erase_range(partition, address, partition->erase_size) == ESP_OK;
}

bool wamlet_port_program(uint32_t address, const uint8_t *bytes, uint32_t length)
{
    return esp_partition_write(partition, address, bytes, length) == ESP_OK;
}
