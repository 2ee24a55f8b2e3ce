/* chip/ethernet.c: the OpenCores Ethernet MAC that emulators offer (soc.md 25).
 *
 * Descriptors are served in ring order, each side with its own position; a transmit descriptor goes
 * out in the store that hands it over. Frames carry no FCS on either side: a received length is
 * that of the bytes in the buffer. The PHY answers at every address and has a link when a network
 * is attached; without one the MAC is there, sends into nothing and receives nothing.
 *
 * Not modelled: collisions and their counters, inter-packet gaps, control frames, FCS generation,
 * loop-back. Multicast is received when the hash table or promiscuous mode lets it.
 */
#include "chain/reg/openeth.h"

#include <stdlib.h>
#include <string.h>

#include "chain/soc.h"
#include "chip/network.h"
#include "chip/peripherals.h"

#define HASH0           0x48
#define PACKETLEN_RESET 0x00400600u
#define TX_BD_NUM_RESET 0x40u
#define FRAME_MIN       60u
#define HEADER_BYTES    14u
#define TXD_PAD         (1u << 12)
#define TXD_UNDERRUN    (1u << 8)
#define RXD_MISS        (1u << 7)
#define RXD_STATUS      0xFFu
#define MII_RSTAT       (1u << 1)
#define PHY_REGISTERS   4u
#define PHY_STATUS      1u
#define PHY_STATUS_LINK (1u << 2)

static const struct stored_register mac_registers[] = {
    {OPENETH_MODER, OPENETH_MODER_RESET_VALUE, 0x0001FFFF},
    {OPENETH_INT_MASK, 0, 0x7F},
    {OPENETH_PACKETLEN, PACKETLEN_RESET, 0xFFFFFFFF},
    {OPENETH_TX_BD_NUM, TX_BD_NUM_RESET, 0xFF},
    {OPENETH_MIICOMMAND, 0, 0x7},
    {OPENETH_MIIADDRESS, 0, 0x1F1F},
    {OPENETH_MIITX_DATA, 0, 0xFFFF},
    {OPENETH_MIIRX_DATA, 0, 0},
    {OPENETH_MAC_ADDR0, 0, 0xFFFFFFFF},
    {OPENETH_MAC_ADDR1, 0, 0xFFFF},
    {HASH0, 0, 0xFFFFFFFF},
    {0x4C, 0, 0xFFFFFFFF}, /* HASH1 */
};
static const struct stored_table mac_table = STORED_TABLE(mac_registers);

struct descriptor {
    uint32_t control; /* [31:16] length, [15:0] flags */
    uint32_t buffer;
};

struct mac {
    uint32_t stored[sizeof(mac_registers) / sizeof(mac_registers[0])];
    struct descriptor ring[OPENETH_DESCS];
    uint32_t causes;
    unsigned transmit_at, receive_at;
    struct network *network;
};

static struct mac *mac_of(const struct chip *chip)
{
    return chip_state(chip, &peripheral_ethernet);
}

static uint32_t *word(struct mac *mac, uint32_t offset)
{
    return stored_word(&mac_table, mac->stored, offset);
}

static void raise(struct chip *chip, uint32_t causes)
{
    struct mac *mac = mac_of(chip);
    mac->causes |= causes;
    chip_raise(chip, SOC_SOURCE_ETHERNET, (mac->causes & *word(mac, OPENETH_INT_MASK)) != 0);
}

static unsigned transmit_descriptors(struct mac *mac)
{
    uint32_t number = *word(mac, OPENETH_TX_BD_NUM);
    return number < OPENETH_DESCS ? number : OPENETH_DESCS;
}

/* --- transmit ------------------------------------------------------------------------------- */

static uint32_t send_frame(struct chip *chip, const struct descriptor *descriptor)
{
    struct mac *mac = mac_of(chip);
    uint8_t frame[NETWORK_FRAME_MAX] = {0};
    size_t length = descriptor->control >> 16;
    if (length < HEADER_BYTES || length > sizeof(frame) ||
        !chip_dma_read(chip, descriptor->buffer, frame, length)) {
        chip_note(chip, "Ethernet: cannot send %zu bytes from 0x%08x", length, descriptor->buffer);
        return TXD_UNDERRUN;
    }
    if ((descriptor->control & TXD_PAD) && length < FRAME_MIN)
        length = FRAME_MIN;
    if (mac->network != NULL)
        network_send(mac->network, frame, length);
    return 0;
}

static void transmit(struct chip *chip)
{
    struct mac *mac = mac_of(chip);
    unsigned number = transmit_descriptors(mac);
    for (unsigned sent = 0; sent < number; sent++) {
        struct descriptor *descriptor = &mac->ring[mac->transmit_at % number];
        if (!(*word(mac, OPENETH_MODER) & OPENETH_MODER_TXEN) ||
            !(descriptor->control & OPENETH_TXD_RD))
            return;
        bool last = (descriptor->control & OPENETH_TXD_WR) || mac->transmit_at + 1 >= number;
        mac->transmit_at = last ? 0 : mac->transmit_at + 1;
        descriptor->control &= ~(OPENETH_TXD_RD | TXD_UNDERRUN);
        descriptor->control |= send_frame(chip, descriptor);
        if (descriptor->control & OPENETH_TXD_IRQ)
            raise(chip, OPENETH_INT_TXB);
    }
}

/* --- receive -------------------------------------------------------------------------------- */

/* MAC_ADDR0/1, or the eFuse address while they are zero; byte 0 is the first on the wire. */
static void own_address(struct chip *chip, uint8_t address[6])
{
    struct mac *mac = mac_of(chip);
    uint64_t value = (uint64_t)*word(mac, OPENETH_MAC_ADDR1) << 32 | *word(mac, OPENETH_MAC_ADDR0);
    if (value == 0) {
        efuse_mac(efuse_shadow(chip), address);
        return;
    }
    for (unsigned i = 0; i < 6; i++)
        address[i] = (uint8_t)(value >> (40 - 8 * i));
}

/* Bit of the 64-bit hash table: the upper six bits of the CRC-32 of the address. */
static bool hash_accepts(struct mac *mac, const uint8_t address[6])
{
    uint32_t crc = 0xFFFFFFFF;
    for (unsigned i = 0; i < 48; i++) {
        uint32_t bit = (uint32_t)(address[i / 8] >> (i % 8)) & 1;
        crc = (crc << 1) ^ ((crc >> 31) ^ bit ? 0x04C11DB7 : 0);
    }
    uint32_t index = crc >> 26;
    return (*word(mac, HASH0 + 4 * (index / 32)) >> (index % 32)) & 1;
}

enum match { MATCH_NO, MATCH_YES, MATCH_PROMISCUOUS };

static enum match address_match(struct chip *chip, const uint8_t *destination)
{
    static const uint8_t broadcast[6] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    struct mac *mac = mac_of(chip);
    uint8_t own[6];
    own_address(chip, own);
    bool multicast = (destination[0] & 1) != 0;
    if (memcmp(destination, own, 6) == 0 || memcmp(destination, broadcast, 6) == 0 ||
        (multicast && hash_accepts(mac, destination)))
        return MATCH_YES;
    return *word(mac, OPENETH_MODER) & OPENETH_MODER_PRO ? MATCH_PROMISCUOUS : MATCH_NO;
}

bool ethernet_deliver(struct chip *chip, const uint8_t *frame, size_t length)
{
    struct mac *mac = mac_of(chip);
    unsigned first = transmit_descriptors(mac);
    uint32_t longest = *word(mac, OPENETH_PACKETLEN) & 0xFFFF;
    if (!(*word(mac, OPENETH_MODER) & OPENETH_MODER_RXEN))
        return true; /* nobody listens: the frame is gone */
    enum match match = length >= HEADER_BYTES ? address_match(chip, frame) : MATCH_NO;
    if (match == MATCH_NO || length > longest || first == OPENETH_DESCS)
        return true;

    struct descriptor *descriptor = &mac->ring[mac->receive_at];
    if (!(descriptor->control & OPENETH_RXD_E)) {
        raise(chip, OPENETH_INT_BUSY);
        return false;
    }
    if (!chip_dma_write(chip, descriptor->buffer, frame, length)) {
        chip_note(chip, "Ethernet: cannot receive to 0x%08x", descriptor->buffer);
        return true;
    }
    bool last = (descriptor->control & OPENETH_RXD_WR) || mac->receive_at + 1 >= OPENETH_DESCS;
    mac->receive_at = last ? first : mac->receive_at + 1;
    uint32_t status = match == MATCH_PROMISCUOUS ? RXD_MISS : 0;
    uint32_t kept = descriptor->control & 0xFFFFu & ~(OPENETH_RXD_E | RXD_STATUS);
    descriptor->control = (uint32_t)length << 16 | kept | status;
    if (kept & OPENETH_RXD_IRQ)
        raise(chip, OPENETH_INT_RXB);
    return true;
}

void chip_network_wait(struct chip *chip, uint64_t nanoseconds)
{
    if (mac_of(chip)->network != NULL)
        network_wait(mac_of(chip)->network, nanoseconds);
}

void chip_network_poll(struct chip *chip)
{
    chip_network_wait(chip, 0);
}

/* --- PHY ------------------------------------------------------------------------------------ */

/* A 100 Mb/s full-duplex PHY: control, status, and a DP83848's identity. */
static uint32_t phy_read(const struct mac *mac, uint32_t index)
{
    static const uint16_t values[PHY_REGISTERS] = {0x3100, 0x7849, 0x2000, 0x5C90};
    if (index >= PHY_REGISTERS)
        return 0;
    uint32_t link = index == PHY_STATUS && mac->network != NULL ? PHY_STATUS_LINK | 0x20 : 0;
    return values[index] | link;
}

/* --- registers ------------------------------------------------------------------------------ */

static void mac_reset_registers(struct chip *chip)
{
    struct mac *mac = mac_of(chip);
    stored_reset(&mac_table, mac->stored);
    memset(mac->ring, 0, sizeof(mac->ring));
    mac->causes = 0;
    mac->transmit_at = 0;
    mac->receive_at = TX_BD_NUM_RESET;
    raise(chip, 0);
}

static int mac_init(struct chip *chip)
{
    const struct chip_config *config = chip_config(chip);
    int error = state_new(chip, &peripheral_ethernet, sizeof(struct mac));
    if (error == CHIP_OK && config->network) {
        error = network_new(chip, config->pcap_path, &mac_of(chip)->network);
        if (error != CHIP_OK)
            state_free(chip, &peripheral_ethernet);
    }
    return error;
}

static void mac_reset(struct chip *chip, uint32_t cause)
{
    if (!reset_is_cpu_only(cause))
        mac_reset_registers(chip);
}

static void mac_free(struct chip *chip)
{
    network_free(mac_of(chip)->network);
    state_free(chip, &peripheral_ethernet);
}

static bool is_descriptor(uint32_t offset)
{
    return offset >= OPENETH_DESC && offset < OPENETH_DESC + 8 * OPENETH_DESCS;
}

static bool mac_read(struct chip *chip, uint32_t offset, uint32_t *value)
{
    struct mac *mac = mac_of(chip);
    if (is_descriptor(offset)) {
        const struct descriptor *descriptor = &mac->ring[(offset - OPENETH_DESC) / 8];
        *value = offset % 8 == 0 ? descriptor->control : descriptor->buffer;
        return true;
    }
    switch (offset) {
    case OPENETH_INT_SOURCE:
        *value = mac->causes;
        return true;
    case OPENETH_MIISTATUS:
        *value = mac->network == NULL; /* LINKFAIL */
        return true;
    }
    return stored_read(&mac_table, mac->stored, offset, value);
}

/* A descriptor handed over may be the one the other side waits for. */
static void descriptor_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct mac *mac = mac_of(chip);
    unsigned index = (offset - OPENETH_DESC) / 8;
    if (offset % 8 != 0) {
        mac->ring[index].buffer = value;
        return;
    }
    mac->ring[index].control = value;
    if (index < transmit_descriptors(mac))
        transmit(chip);
    else if (mac->network != NULL && index == mac->receive_at)
        network_deliver(mac->network);
}

static void moder_write(struct chip *chip, uint32_t value)
{
    struct mac *mac = mac_of(chip);
    uint32_t before = *word(mac, OPENETH_MODER);
    if (value & OPENETH_MODER_RST) {
        mac_reset_registers(chip);
        value &= ~OPENETH_MODER_RST;
    }
    stored_write(&mac_table, mac->stored, OPENETH_MODER, value);
    if (!(before & OPENETH_MODER_RXEN) && (value & OPENETH_MODER_RXEN))
        mac->receive_at = transmit_descriptors(mac) % OPENETH_DESCS;
    if (!(before & OPENETH_MODER_TXEN) && (value & OPENETH_MODER_TXEN)) {
        mac->transmit_at = 0;
        transmit(chip);
    }
}

static bool mac_write(struct chip *chip, uint32_t offset, uint32_t value)
{
    struct mac *mac = mac_of(chip);
    if (is_descriptor(offset)) {
        descriptor_write(chip, offset, value);
        return true;
    }
    switch (offset) {
    case OPENETH_INT_SOURCE:
        mac->causes &= ~value;
        break;
    case OPENETH_MODER:
        moder_write(chip, value);
        return true;
    case OPENETH_TX_BD_NUM:
        stored_write(&mac_table, mac->stored, offset, value);
        mac->receive_at = transmit_descriptors(mac) % OPENETH_DESCS;
        return true;
    case OPENETH_MIICOMMAND:
        if (value & MII_RSTAT)
            *word(mac, OPENETH_MIIRX_DATA) = phy_read(mac, *word(mac, OPENETH_MIIADDRESS) >> 8);
        return true;
    default:
        if (!stored_write(&mac_table, mac->stored, offset, value))
            return false;
    }
    raise(chip, 0);
    return true;
}

const struct peripheral peripheral_ethernet = {
    .name = "ETHERNET",
    .base = SOC_ETHERNET,
    .bytes = 0x1000,
    .init = mac_init,
    .reset = mac_reset,
    .free = mac_free,
    .read = mac_read,
    .write = mac_write,
};
