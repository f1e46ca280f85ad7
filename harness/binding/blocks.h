/*
 * The basic blocks of an image by recursive descent: what its parts share.
 *
 * The image is mapped as it is in the file, neither moved nor bound. Each byte of it has SEEN_ bits. Work is
 * in four piles: places to go on from, calls that wait until their callee is known to return, jump tables
 * (looked at when everything else is done, so that what contradicts them is known), and pointers that may be
 * leaf functions.
 */
#ifndef GPUP_BINDING_BLOCKS_H
#define GPUP_BINDING_BLOCKS_H

#include "pe.h"

#include <gpup/coverage.h>

#include <Zydis/Zydis.h>

enum {
    SEEN_START = 1,    /* an instruction begins here */
    SEEN_INSIDE = 2,   /* further bytes of one */
    SEEN_BLOCK = 4,    /* a block begins here */
    SEEN_END = 8,      /* the instruction does not go on to the next */
    SEEN_ENTRY = 16,   /* a function begins here */
    SEEN_DATA = 32,    /* something refers to it: a table before it ends here */
    SEEN_READ = 64,    /* something reads or writes it */
    SEEN_COUNTED = 128 /* a counter of the compiler stands here */
};

/* What is known of a register, on one way to an instruction. Two registers with the same id are equal. */
enum value_kind {
    VALUE_ANY,
    VALUE_ADDRESS, /* at */
    VALUE_INDEX,   /* 0 to count - 1 */
    VALUE_ENTRY,   /* a word of the table at `at` with `count` entries of `form` */
    VALUE_TARGET   /* the same with `base` added */
};
enum table_form { FORM_SIGNED, FORM_UNSIGNED, FORM_ADDRESS }; /* of 4, 4 and 8 bytes */
struct value {
    enum value_kind kind;
    enum table_form form;
    uint32_t id, at, base;
    uint64_t count;
};

#define SLOTS 6u
struct slot {
    ZydisRegister base;
    int64_t offset;
    struct value value; /* kind ANY with id 0: the slot is free */
};
struct facts {
    struct value value[16];  /* of registers by number */
    struct slot slot[SLOTS]; /* what was put aside on the stack, as unoptimised code does */
    unsigned next_slot;
    uint32_t compared; /* id of what was compared with `limit`; 0: flags are of something else */
    uint64_t limit;
};

struct table {
    uint32_t from;    /* the jump */
    uint32_t routine; /* it is in */
    struct value value;
};
struct task {
    uint32_t rva, routine;
    struct facts facts;
};
/* Once a routine is known to return: `caller` goes on at rva, or returns too when rva is 0. */
struct waiting {
    uint32_t caller, rva, next; /* next: of those that wait for the same, from 1; 0: none */
    struct facts facts;
};
struct routine {
    uint32_t rva, waits; /* the first that waits for it, from 1 */
    bool returns;
};

struct blocks {
    const struct gpup_pe *pe;
    ZydisDecoder decoder;
    uint8_t *seen;        /* by RVA */
    uint32_t *routine_at; /* by RVA of an instruction: the routine it belongs to, from 1; 0: none */
    uint32_t *entry_at;   /* by RVA: the routine that begins there */
    uint32_t *no_return;  /* places of imports that do not return */
    uint32_t *specific;   /* places of imports of __C_specific_handler */
    struct routine *routines;
    struct task *tasks;
    struct waiting *waiting;
    struct table *tables;
    uint32_t *candidates; /* pointers to what may be leaf functions */
    size_t no_return_count, specific_count, routine_count, task_count, waiting_count, table_count,
        candidate_count;
    size_t table_done, candidate_done; /* of those that wait until nothing else is left */
    size_t followed, not_followed, refused;
    uint32_t next_id;
    bool out_of_memory;
};

/* One instruction with its operands. */
struct instruction {
    uint32_t rva, next;
    ZydisDecodedInstruction i;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
};

/* --- blocks.c */
/* Room for one more in a list: the list or, when memory is out, NULL, which is noted. */
void *blocks_grow(struct blocks *b, void *list, size_t count, size_t size);
/* What is left of the executable section that holds rva, as far as the file has it; 0: none does. */
uint32_t blocks_code_left(const struct blocks *b, uint64_t rva);

/* --- blocks_roots.c: where code begins */
void blocks_roots(struct blocks *b);
/* The function in .pdata that holds rva. false: none. */
struct blocks_function {
    uint32_t begin, end;
    bool part; /* of another function: its unwind data goes on there */
};
bool blocks_function_of(const struct blocks *b, uint32_t rva, struct blocks_function *out);
/* Where the first function behind rva begins; UINT32_MAX: there is none. */
uint32_t blocks_next_function(const struct blocks *b, uint32_t rva);
/* An address that may be that of a leaf function. */
void blocks_add_candidate(struct blocks *b, uint32_t rva);
/* Code that keeps to what leaf functions may do, to its end. */
bool blocks_is_leaf(struct blocks *b, uint32_t rva);

/* --- blocks_walk.c: from one instruction to the next */
bool blocks_decode(const struct blocks *b, uint32_t rva, struct instruction *out);
void blocks_add_routine(struct blocks *b, uint32_t rva);
void blocks_add_place(struct blocks *b, uint32_t rva, uint32_t routine, const struct facts *facts);
void blocks_walk(struct blocks *b); /* until nothing is left to go on from */

/* --- blocks_facts.c: what registers hold */
void facts_after(struct blocks *b, struct facts *f, const struct instruction *in);
/* What a conditional jump says where it is taken or not. */
void facts_branch(struct facts *f, ZydisMnemonic jump, bool taken);
/* The table that an indirect jump reads. false: not known. */
bool facts_target(const struct blocks *b, const struct facts *f, const struct instruction *in,
                  struct value *out);
/* --- blocks_table.c */
void blocks_follow_table(struct blocks *b, const struct table *table);

#endif
