/* The Ethernet MAC's rings, the user-mode network behind it, and the capture file (soc.md 25). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "chain/bytes.h"
#include "chain/reg/openeth.h"
#include "chip/pcap.h"
#include "chip/peripherals.h"

#define MAC          SOC_ETHERNET
#define TX(i)        (MAC + OPENETH_DESC + 8u * (i))
#define RX(i)        TX(1u + (i))
#define RX_COUNT     4u
#define TX_BUFFER    BENCH_RAM_BASE
#define RX_BUFFER(i) (BENCH_RAM_BASE + 0x1000 + 0x800u * (i))

static const uint8_t own[6] = {0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA2}; /* the bench's eFuse MAC */

/* Ethernet and ARP: who has 10.0.2.2, tell 10.0.2.15. */
static const uint8_t arp_request[42] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA2, 0x08, 0x06,
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA2,
    0x0A, 0x00, 0x02, 0x0F, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0A, 0x00, 0x02, 0x02};

static char pcap_path[] = "/tmp/trustchain-pcap-XXXXXX";

/* One TX and RX_COUNT RX descriptors, as the driver sets them up. */
static void start_mac(struct chip *chip)
{
    bench_write(chip, MAC + OPENETH_TX_BD_NUM, 1);
    bench_write(chip, TX(0) + 4, TX_BUFFER);
    bench_write(chip, TX(0), OPENETH_TXD_WR);
    for (unsigned i = 0; i < RX_COUNT; i++) {
        bench_write(chip, RX(i) + 4, RX_BUFFER(i));
        bench_write(chip, RX(i),
                    OPENETH_RXD_E | OPENETH_RXD_IRQ | (i == RX_COUNT - 1 ? OPENETH_RXD_WR : 0));
    }
    bench_write(chip, MAC + OPENETH_INT_MASK, OPENETH_INT_RXB);
    bench_write(chip, MAC + OPENETH_MODER,
                OPENETH_MODER_RESET_VALUE | OPENETH_MODER_RXEN | OPENETH_MODER_TXEN);
}

static int set_up(void **state)
{
    *state = bench_new(false, NULL);
    start_mac(*state);
    return 0;
}

static int set_up_network(void **state)
{
    int fd = mkstemp(pcap_path);
    assert_true(fd >= 0);
    close(fd);
    *state = bench_new(true, pcap_path);
    start_mac(*state);
    return 0;
}

static int tear_down(void **state)
{
    bench_free(*state);
    unlink(pcap_path);
    strcpy(pcap_path, "/tmp/trustchain-pcap-XXXXXX");
    return 0;
}

static void transmit(struct chip *chip, const uint8_t *frame, uint32_t length, uint32_t flags)
{
    memcpy(chip->ram + (TX_BUFFER - BENCH_RAM_BASE), frame, length);
    bench_write(chip, TX(0), length << 16 | OPENETH_TXD_RD | OPENETH_TXD_WR | flags);
}

static void frame_to(uint8_t frame[60], const uint8_t destination[6], uint8_t tag)
{
    memset(frame, tag, 60);
    memcpy(frame, destination, 6);
}

static void receive_ring(void **state)
{
    struct chip *chip = *state;
    uint8_t frame[60];
    for (unsigned i = 0; i < RX_COUNT; i++) {
        frame_to(frame, own, (uint8_t)i);
        assert_true(ethernet_deliver(chip, frame, sizeof frame));
        assert_true(chip->level[SOC_SOURCE_ETHERNET]);
        bench_write(chip, MAC + OPENETH_INT_SOURCE, OPENETH_INT_RXB);
        assert_false(chip->level[SOC_SOURCE_ETHERNET]);
        uint32_t control = bench_read(chip, RX(i));
        assert_int_equal(control >> 16, sizeof frame); /* no FCS */
        assert_false(control & OPENETH_RXD_E);
        assert_memory_equal(chip->ram + (RX_BUFFER(i) - BENCH_RAM_BASE), frame, sizeof frame);
    }
    /* Full: refused, BUSY; then the first descriptor is given back. */
    assert_false(ethernet_deliver(chip, frame, sizeof frame));
    assert_true(bench_read(chip, MAC + OPENETH_INT_SOURCE) & OPENETH_INT_BUSY);
    bench_write(chip, RX(0), OPENETH_RXD_E | OPENETH_RXD_IRQ);
    frame_to(frame, own, 0x77);
    assert_true(ethernet_deliver(chip, frame, sizeof frame));
    assert_int_equal(chip->ram[RX_BUFFER(0) - BENCH_RAM_BASE + 20], 0x77);
}

static void address_filter(void **state)
{
    static const struct {
        uint8_t destination[6];
        bool promiscuous, hash, taken;
    } rows[] = {
        {{0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA2}, false, false, true},
        {{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, false, false, true},
        {{0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA3}, false, false, false},
        {{0x60, 0x55, 0xF9, 0xF7, 0x2C, 0xA3}, true, false, true},
        {{0x01, 0x00, 0x5E, 0x00, 0x00, 0xFB}, false, false, false},
        {{0x01, 0x00, 0x5E, 0x00, 0x00, 0xFB}, false, true, true},
    };
    struct chip *chip = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t frame[60];
        bench_write(chip, MAC + OPENETH_MODER, 0);
        start_mac(chip);
        uint32_t moder = bench_read(chip, MAC + OPENETH_MODER);
        bench_write(chip, MAC + OPENETH_MODER, moder | (rows[i].promiscuous ? 1u << 5 : 0));
        bench_write(chip, MAC + 0x48, rows[i].hash ? 0xFFFFFFFF : 0);
        bench_write(chip, MAC + 0x4C, rows[i].hash ? 0xFFFFFFFF : 0);
        frame_to(frame, rows[i].destination, 1);
        assert_true(ethernet_deliver(chip, frame, sizeof frame));
        if (((bench_read(chip, RX(0)) & OPENETH_RXD_E) == 0) != rows[i].taken)
            fail_msg("row %zu", i);
    }
    /* A MAC of its own in the registers. */
    uint8_t frame[60];
    const uint8_t other[6] = {2, 0, 0, 0, 0, 9};
    bench_write(chip, MAC + OPENETH_MODER, 0);
    start_mac(chip);
    bench_write(chip, MAC + OPENETH_MAC_ADDR1, 0x0200);
    bench_write(chip, MAC + OPENETH_MAC_ADDR0, 9);
    frame_to(frame, own, 1);
    ethernet_deliver(chip, frame, sizeof frame);
    assert_true(bench_read(chip, RX(0)) & OPENETH_RXD_E);
    frame_to(frame, other, 1);
    ethernet_deliver(chip, frame, sizeof frame);
    assert_false(bench_read(chip, RX(0)) & OPENETH_RXD_E);
}

static void hostile_descriptors(void **state)
{
    struct chip *chip = *state;
    uint8_t frame[60];
    frame_to(frame, own, 1);
    bench_write(chip, RX(0) + 4, 0x10000000); /* no memory there */
    assert_true(ethernet_deliver(chip, frame, sizeof frame));
    assert_true(bench_read(chip, RX(0)) & OPENETH_RXD_E);
    bench_write(chip, RX(0) + 4, BENCH_RAM_BASE + BENCH_RAM_BYTES - 59);
    assert_true(ethernet_deliver(chip, frame, sizeof frame));
    assert_int_equal(chip->notes, 2);

    /* Too long, too short, outside memory: an underrun, and the descriptor comes back. */
    static const uint32_t lengths[] = {0, 13, 1515, 0xFFFF};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        bench_write(chip, TX(0), lengths[i] << 16 | OPENETH_TXD_RD | OPENETH_TXD_WR);
        uint32_t control = bench_read(chip, TX(0));
        assert_false(control & OPENETH_TXD_RD);
        assert_true(control & 1u << 8);
    }
    bench_write(chip, TX(0) + 4, 0x10000000);
    bench_write(chip, TX(0), 60u << 16 | OPENETH_TXD_RD | OPENETH_TXD_WR);
    assert_true(bench_read(chip, TX(0)) & 1u << 8);

    /* Rings without TX or without RX descriptors. */
    bench_write(chip, MAC + OPENETH_TX_BD_NUM, 0);
    bench_write(chip, TX(0), 60u << 16 | OPENETH_TXD_RD);
    bench_write(chip, MAC + OPENETH_TX_BD_NUM, 0xFF);
    assert_true(ethernet_deliver(chip, frame, sizeof frame));
}

static void phy_and_reset(void **state)
{
    struct chip *chip = *state;
    bench_write(chip, MAC + OPENETH_MIIADDRESS, 1u << 8 | 1);
    bench_write(chip, MAC + OPENETH_MIICOMMAND, 2);
    bool link = (bench_read(chip, MAC + OPENETH_MIIRX_DATA) & 4) != 0;
    assert_int_equal(link, chip->config.network);
    assert_int_equal(bench_read(chip, MAC + OPENETH_MIISTATUS) & 1, !chip->config.network);
    bench_write(chip, MAC + OPENETH_MODER, OPENETH_MODER_RST);
    bench_write(chip, MAC + OPENETH_MODER, OPENETH_MODER_RESET_VALUE);
    assert_int_equal(bench_read(chip, MAC + OPENETH_MODER), OPENETH_MODER_RESET_VALUE);
    assert_int_equal(bench_read(chip, RX(0)), 0);
}

/* A question to the network and its answer, through both rings, and both in the capture. */
static void arp_over_the_network(void **state)
{
    struct chip *chip = *state;
    bench_advance(chip, 1500000ull * SOC_CPU_MHZ + SOC_CPU_MHZ * 250); /* 1.500250 s */
    transmit(chip, arp_request, sizeof arp_request, OPENETH_TXD_IRQ);
    assert_false(bench_read(chip, TX(0)) & OPENETH_TXD_RD);
    assert_true(bench_read(chip, MAC + OPENETH_INT_SOURCE) & OPENETH_INT_TXB);
    chip_network_wait(chip, 0);
    assert_true(chip->level[SOC_SOURCE_ETHERNET]);
    const uint8_t *reply = chip->ram + (RX_BUFFER(0) - BENCH_RAM_BASE);
    assert_memory_equal(reply, own, 6);
    assert_memory_equal(reply + 12, "\x08\x06", 2);
    assert_int_equal(reply[21], 2);                         /* ARP reply */
    assert_memory_equal(reply + 28, "\x0A\x00\x02\x02", 4); /* from the host's address */

    uint8_t file[256];
    FILE *capture = fopen(pcap_path, "rb");
    size_t length = fread(file, 1, sizeof file, capture);
    fclose(capture);
    static const uint8_t header[24] = {0xD4, 0xC3, 0xB2, 0xA1, 2,    0,    4, 0, 0, 0, 0, 0,
                                       0,    0,    0,    0,    0xFF, 0xFF, 0, 0, 1, 0, 0, 0};
    assert_memory_equal(file, header, sizeof header);
    assert_int_equal(le32_load(file + 24), 1);
    assert_int_equal(le32_load(file + 28), 500250);
    assert_int_equal(le32_load(file + 32), sizeof arp_request);
    assert_int_equal(le32_load(file + 36), sizeof arp_request);
    assert_memory_equal(file + 40, arp_request, sizeof arp_request);
    size_t second = 40 + sizeof arp_request;
    uint32_t reply_length = bench_read(chip, RX(0)) >> 16;
    assert_int_equal(le32_load(file + second + 8), reply_length);
    assert_memory_equal(file + second + 16, reply, reply_length);
    assert_int_equal(length, second + 16 + reply_length);
}

/* Frames that find no descriptor wait in the network and come when the guest makes room. */
static void the_network_waits_for_room(void **state)
{
    struct chip *chip = *state;
    for (unsigned i = 0; i < RX_COUNT + 3; i++)
        transmit(chip, arp_request, sizeof arp_request, 0);
    chip_network_poll(chip);
    for (unsigned i = 0; i < RX_COUNT; i++)
        assert_false(bench_read(chip, RX(i)) & OPENETH_RXD_E);
    for (unsigned i = 0; i < 3; i++) {
        bench_write(chip, RX(i), OPENETH_RXD_E | OPENETH_RXD_IRQ);
        assert_false(bench_read(chip, RX(i)) & OPENETH_RXD_E); /* filled at once */
    }
    bench_write(chip, RX(3), OPENETH_RXD_E | OPENETH_RXD_IRQ | OPENETH_RXD_WR);
    assert_true(bench_read(chip, RX(3)) & OPENETH_RXD_E);
}

static void short_frames_are_padded_on_request(void **state)
{
    struct chip *chip = *state;
    uint8_t file[128];
    transmit(chip, arp_request, sizeof arp_request, 1u << 12);
    FILE *capture = fopen(pcap_path, "rb");
    assert_int_equal(fread(file, 1, 40 + 60, capture), 40 + 60);
    fclose(capture);
    assert_int_equal(le32_load(file + 32), 60);
}

static void capture_needs_a_writable_file(void **state)
{
    (void)state;
    assert_null(pcap_create("/nonexistent/file"));
    assert_null(pcap_create("/dev/full"));
}

int main(void)
{
#define TEST(name)         cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define NETWORK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_network, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(receive_ring),
        TEST(address_filter),
        TEST(hostile_descriptors),
        TEST(phy_and_reset),
        NETWORK_TEST(phy_and_reset),
        NETWORK_TEST(arp_over_the_network),
        NETWORK_TEST(the_network_waits_for_room),
        NETWORK_TEST(short_frames_are_padded_on_request),
        cmocka_unit_test(capture_needs_a_writable_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
