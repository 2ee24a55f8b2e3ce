/* tests/unit/agent/ddi_server.h: a scripted DDI server behind the agent's net operations.
 *
 * It has one action at a time and moves it as hawkBit does: a link to the deployment until the end
 * was told, 410 behind that, a cancel instead when it was taken back. Connections stay open unless
 * told otherwise; every second call answers AGENT_AGAIN and bytes come in odd portions.
 */
#ifndef TESTS_AGENT_DDI_SERVER_H
#define TESTS_AGENT_DDI_SERVER_H

#include "device/agent/agent.h"

enum ddi_outcome { DDI_OPEN, DDI_FINISHED, DDI_ERROR, DDI_CANCELED, DDI_DOWNLOADED };

struct ddi_server {
    /* Script. */
    uint32_t action; /* 0: there is none */
    const uint8_t *file;
    uint32_t length;
    uint8_t digest[32];
    const char *download, *update, *window; /* NULL: "forced", "forced", no window */
    const char *sleep;                      /* NULL: "00:00:04" */
    bool canceling;
    bool wants_attributes;

    /* Misbehaviour; zero is none. */
    const char *raw_poll, *raw_deployment; /* these bodies, word for word */
    const char *raw_head;                  /* this answer to a poll, header and all */
    const char *raw_heard;                 /* this answer to a report, header and all */
    int every_status;                      /* all requests are answered so */
    int file_status;                       /* requests for the file are answered so */
    int status_at_cut;                     /* every_status, from the cut on */
    const uint8_t *replaced_at_cut_by;     /* ... another order follows, of that file */
    bool cancel_at_switch;                 /* the order is taken back while the device reboots */
    const char *link_origin;               /* of the file's link; NULL: the right one */
    uint32_t cut_after;                    /* close after so many bytes of the file (once) */
    unsigned cuts_again;                   /* ... and so many times more, ... */
    uint32_t cut_again_after;              /* ... after so many bytes each */
    bool cancel_at_cut;                    /* ... and take the order back */
    unsigned lost_ends;                    /* so many final reports are heard, the answer is lost */
    int end_status;                        /* final reports are not taken: this status */
    int notice_status;                     /* what is told on the way is answered so */
    bool closes;                           /* every answer ends its connection */
    bool insatiable;                       /* wants the attributes at each poll */
    bool quits;                            /* the order is over when its begin is told: 410 */
    const uint8_t *other_file;             /* the next order, of that length, follows each end */
    bool never_ends;                       /* hears the end, and offers the action again */
    bool no_ranges, claims_ranges;         /* parts are not given; and it says that they are */
    unsigned slow;      /* so many calls find nothing before each portion of the file */
    uint32_t cancel_at; /* the order is taken back when so many bytes are through */
    bool restless;      /* an action with another file, and no end to it, at each poll */

    /* What happened. */
    enum ddi_outcome outcome;
    unsigned connections, requests, polls, deployments, files, parts;
    unsigned ends;     /* final reports while the action was open */
    unsigned late;     /* and afterwards */
    unsigned notices;  /* reports on the way */
    unsigned unknown;  /* requests that no server knows; wrong credentials */
    unsigned quarters; /* reports of how far a download is, when it has long begun */
    uint32_t last_first;
    char attributes[512]; /* body of the last configData */
    char told[512];       /* body of the last report */
    char progress[512];   /* and of the last of `quarters` */

    /* The connection. */
    char request[4096];
    uint32_t asked;
    char head[4096];
    uint32_t head_length, head_sent;
    uint32_t at, end, sent_here;
    unsigned idle; /* calls since the last portion */
    bool answering, losing, turn;
};

void ddi_server_order(struct ddi_server *server, uint32_t action, const uint8_t *file,
                      uint32_t length);
struct agent_net ddi_server_net(struct ddi_server *server);

#endif
