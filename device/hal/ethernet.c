/* device/hal/ethernet.c: OpenCores MAC with one transmit and a ring of receive buffers (soc.md 25).
 *
 * The MAC's interrupt is used to wake hal_sleep_us() only: its handler acknowledges it, and frames
 * wait in the ring until hal_ethernet_receive() takes them.
 */
#include "device/hal/ethernet.h"

#include <string.h>

#include "chain/reg/openeth.h"
#include "chain/soc.h"
#include "device/hal/hal.h"
#include "device/hal/internal.h"
#include "device/hal/system.h"

#define RX_BUFFERS      8u
#define BUFFER_BYTES    1600u
#define SEND_TIMEOUT_US 10000u
#define FRAME_MIN       60u /* the MAC pads no frame; the network wants this much without FCS */
#define BMSR            1u  /* PHY register; bit 2 = link */
#define BMSR_LINK       (1u << 2)
#define MII_RSTAT       (1u << 1)
#define MII_BUSY        (1u << 1)

static uint8_t tx_buffer[BUFFER_BYTES] __attribute__((aligned(4)));
static uint8_t rx_buffer[RX_BUFFERS][BUFFER_BYTES] __attribute__((aligned(4)));
static unsigned rx_next;

/* The MAC reads and writes the buffers behind the compiler's back. */
static void dma_barrier(void)
{
    __asm__ volatile("fence" ::: "memory");
}

/* Descriptor 0 sends, the others receive. */
static uint32_t descriptor(unsigned index)
{
    return SOC_ETHERNET + OPENETH_DESC + 8 * index;
}

static void receive_enable(unsigned index)
{
    uint32_t wrap = index == RX_BUFFERS - 1 ? OPENETH_RXD_WR : 0;
    hal_write(descriptor(1 + index) + 4, (uint32_t)(uintptr_t)rx_buffer[index]);
    hal_write(descriptor(1 + index), OPENETH_RXD_E | OPENETH_RXD_IRQ | wrap);
}

static void acknowledge(void)
{
    hal_write(SOC_ETHERNET + OPENETH_INT_SOURCE, hal_read(SOC_ETHERNET + OPENETH_INT_SOURCE));
}

bool hal_ethernet_init(const uint8_t mac[6])
{
    hal_write(SOC_ETHERNET + OPENETH_MODER, OPENETH_MODER_RST);
    hal_write(SOC_ETHERNET + OPENETH_MODER, 0);
    hal_write(SOC_ETHERNET + OPENETH_MODER, OPENETH_MODER_RESET_VALUE);
    if (hal_read(SOC_ETHERNET + OPENETH_MODER) != OPENETH_MODER_RESET_VALUE)
        return false;
    hal_write(SOC_ETHERNET + OPENETH_MAC_ADDR0,
              (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5]);
    hal_write(SOC_ETHERNET + OPENETH_MAC_ADDR1, (uint32_t)mac[0] << 8 | mac[1]);
    hal_write(SOC_ETHERNET + OPENETH_TX_BD_NUM, 1);
    hal_write(descriptor(0), OPENETH_TXD_WR);
    for (unsigned i = 0; i < RX_BUFFERS; i++)
        receive_enable(i);
    rx_next = 0;
    acknowledge();
    hal_write(SOC_ETHERNET + OPENETH_INT_MASK, OPENETH_INT_RXB);
    hal_write(SOC_ETHERNET + OPENETH_MODER,
              OPENETH_MODER_RESET_VALUE | OPENETH_MODER_RXEN | OPENETH_MODER_TXEN);
    hal_interrupt_attach(SOC_SOURCE_ETHERNET, HAL_ETHERNET_LINE, acknowledge);
    return true;
}

bool hal_ethernet_link(void)
{
    hal_write(SOC_ETHERNET + OPENETH_MIIADDRESS, BMSR << 8);
    hal_write(SOC_ETHERNET + OPENETH_MIICOMMAND, MII_RSTAT);
    while ((hal_read(SOC_ETHERNET + OPENETH_MIISTATUS) & MII_BUSY) != 0)
        continue;
    return (hal_read(SOC_ETHERNET + OPENETH_MIIRX_DATA) & BMSR_LINK) != 0;
}

int hal_ethernet_send(const void *frame, size_t length)
{
    if (length > HAL_ETHERNET_FRAME_MAX)
        return HAL_EBOUNDS;
    uint64_t deadline = hal_time_us() + SEND_TIMEOUT_US;
    while ((hal_read(descriptor(0)) & OPENETH_TXD_RD) != 0)
        if (hal_time_us() > deadline)
            return HAL_ETIMEOUT;
    memcpy(tx_buffer, frame, length);
    if (length < FRAME_MIN) {
        memset(tx_buffer + length, 0, FRAME_MIN - length);
        length = FRAME_MIN;
    }
    dma_barrier();
    hal_write(descriptor(0) + 4, (uint32_t)(uintptr_t)tx_buffer);
    hal_write(descriptor(0), (uint32_t)length << 16 | OPENETH_TXD_RD | OPENETH_TXD_WR);
    return HAL_OK;
}

size_t hal_ethernet_receive(void *out, size_t size)
{
    for (unsigned i = 0; i < RX_BUFFERS; i++) {
        uint32_t status = hal_read(descriptor(1 + rx_next));
        if ((status & OPENETH_RXD_E) != 0)
            return 0;
        dma_barrier();
        size_t length = status >> 16;
        bool taken = length != 0 && length <= size && length <= BUFFER_BYTES;
        if (taken) /* a frame too long for the caller is dropped */
            memcpy(out, rx_buffer[rx_next], length);
        dma_barrier();
        receive_enable(rx_next);
        rx_next = (rx_next + 1) % RX_BUFFERS;
        if (taken)
            return length;
    }
    return 0;
}
