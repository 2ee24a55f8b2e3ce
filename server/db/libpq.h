/* server/db/libpq.h: PostgreSQL's client library, loaded when a store first asks for it.
 *
 * It brings two dozen libraries along (Kerberos, LDAP), whose start would cost every run of the
 * command more than most verbs take. What is called stands in the list below, with the types of
 * libpq-fe.h.
 */
#ifndef SERVER_DB_LIBPQ_H
#define SERVER_DB_LIBPQ_H

#include <libpq-fe.h>

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
#define LIBPQ_MEMBER(function) __typeof__(function) *function;
    LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
#undef LIBPQ_MEMBER
};

extern struct libpq libpq;

/* Before the first use; from several threads too. HOST_FAILED after one line. */
int libpq_load(void);

#endif
