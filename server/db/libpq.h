/* server/db/libpq.h: PostgreSQL's client library, loaded when a store first asks for it
 * (host/library.h): it brings two dozen others along (Kerberos, LDAP).
 */
#ifndef SERVER_DB_LIBPQ_H
#define SERVER_DB_LIBPQ_H

#include <libpq-fe.h>

#include "host/library.h"

#define LIBPQ_FUNCTIONS(EACH)                                                                      \
    EACH(PQclear)                                                                                  \
    EACH(PQcmdStatus)                                                                              \
    EACH(PQcmdTuples)                                                                              \
    EACH(PQconnectdbParams)                                                                        \
    EACH(PQconninfoFree)                                                                           \
    EACH(PQconninfoParse)                                                                          \
    EACH(PQerrorMessage)                                                                           \
    EACH(PQexec)                                                                                   \
    EACH(PQexecParams)                                                                             \
    EACH(PQexecPrepared)                                                                           \
    EACH(PQfinish)                                                                                 \
    EACH(PQftype)                                                                                  \
    EACH(PQgetisnull)                                                                              \
    EACH(PQgetlength)                                                                              \
    EACH(PQgetvalue)                                                                               \
    EACH(PQntuples)                                                                                \
    EACH(PQprepare)                                                                                \
    EACH(PQreset)                                                                                  \
    EACH(PQresultErrorField)                                                                       \
    EACH(PQresultStatus)                                                                           \
    EACH(PQsetNoticeProcessor)                                                                     \
    EACH(PQstatus)

struct libpq {
    LIBPQ_FUNCTIONS(LIBRARY_POINTER)
};

extern struct libpq libpq;

/* Before the first use; from several threads too. HOST_FAILED after one line. */
int libpq_load(void);

#endif
