/* From one instruction to those that can follow it. */
#include "blocks.h"

#include <string.h>

bool blocks_decode(const struct blocks *b, uint32_t rva, struct instruction *out) {
    uint32_t left = blocks_code_left(b, rva);
    out->rva = rva;
    if (!left || !ZYAN_SUCCESS(ZydisDecoderDecodeFull(&b->decoder, b->pe->memory + rva, left < 15 ? left : 15,
                                                      &out->i, out->operand)))
        return false;
    out->next = rva + out->i.length;
    return true;
}

/* --- routines, and calls that wait for them */

static uint32_t entry_of(struct blocks *b, uint32_t rva) {
    uint32_t known = b->entry_at[rva];
    if (known)
        return known;
    struct routine *grown = blocks_grow(b, b->routines, b->routine_count, sizeof *grown);
    if (!grown)
        return 0;
    b->routines = grown;
    grown[b->routine_count++] = (struct routine){.rva = rva};
    return b->entry_at[rva] = (uint32_t)b->routine_count; /* 0 is none */
}

static struct facts nothing_known(struct blocks *b) {
    struct facts f = {0};
    for (unsigned i = 0; i < 16; i++)
        f.value[i].id = b->next_id++;
    return f;
}

static void push(struct blocks *b, uint32_t rva, uint32_t routine, const struct facts *facts) {
    struct task *grown = blocks_grow(b, b->tasks, b->task_count, sizeof *grown);
    if (!grown)
        return;
    b->tasks = grown;
    grown[b->task_count++] = (struct task){rva, routine, facts ? *facts : nothing_known(b)};
}

void blocks_add_place(struct blocks *b, uint32_t rva, uint32_t routine, const struct facts *facts) {
    if (!routine || !blocks_code_left(b, rva) || (b->seen[rva] & SEEN_INSIDE)) {
        b->refused += routine != 0;
        return;
    }
    b->seen[rva] |= SEEN_BLOCK;
    push(b, rva, routine, facts);
}

void blocks_add_routine(struct blocks *b, uint32_t rva) {
    if (!blocks_code_left(b, rva) || (b->seen[rva] & SEEN_INSIDE)) {
        b->refused++;
        return;
    }
    if (!b->entry_at[rva]) {
        b->seen[rva] |= SEEN_ENTRY;
        blocks_add_place(b, rva, entry_of(b, rva), NULL);
    }
}

static void wait(struct blocks *b, uint32_t callee, const struct waiting *what) {
    struct waiting *grown = callee ? blocks_grow(b, b->waiting, b->waiting_count, sizeof *grown) : NULL;
    if (!grown)
        return;
    b->waiting = grown;
    grown[b->waiting_count] = *what;
    grown[b->waiting_count].next = b->routines[callee - 1].waits;
    b->routines[callee - 1].waits = (uint32_t)++b->waiting_count;
}

/* The routine returns, and so do those that end with a jump to it: a list of them, without recursion. */
static void returns(struct blocks *b, uint32_t routine) {
    uint32_t list = 0;
    for (;;) {
        struct routine *r = &b->routines[routine - 1];
        uint32_t i = r->returns ? 0 : r->waits;
        r->returns = true;
        r->waits = 0;
        while (i) {
            struct waiting *w = &b->waiting[i - 1];
            uint32_t next = w->next;
            if (w->rva) {
                push(b, w->rva, w->caller, &w->facts);
            } else {
                w->next = list;
                list = i;
            }
            i = next;
        }
        if (!list)
            return;
        routine = b->waiting[list - 1].caller;
        list = b->waiting[list - 1].next;
    }
}

/* --- one instruction */

static bool is_import(const struct instruction *in, const uint32_t *places, size_t count) {
    const ZydisDecodedOperand *o = &in->operand[0];
    uint64_t at = in->next + (uint64_t)o->mem.disp.value;
    bool found = false;
    for (size_t i = 0; o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->mem.base == ZYDIS_REGISTER_RIP && i < count;
         i++)
        found = found || places[i] == at;
    return found;
}

static uint64_t relative_target(const struct instruction *in) {
    return in->next + in->operand[0].imm.value.u;
}

static bool is_relative(const struct instruction *in) {
    return in->operand[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && in->operand[0].imm.is_relative;
}

/* At the end of a routine: what follows depends on whether the other returns. */
static void join(struct blocks *b, uint32_t routine, uint32_t other) {
    if (!other || other == routine)
        return;
    if (b->routines[other - 1].returns)
        returns(b, routine);
    else
        wait(b, other, &(struct waiting){.caller = routine});
}

static bool call(struct blocks *b, struct task *t, const struct instruction *in) {
    if (!is_relative(in))
        return !is_import(in, b->no_return, b->no_return_count);
    uint64_t target = relative_target(in);
    if (target >> 32 || !blocks_code_left(b, target)) {
        b->refused++;
        return false;
    }
    blocks_add_routine(b, (uint32_t)target);
    uint32_t callee = b->entry_at[target];
    if (callee && b->routines[callee - 1].returns)
        return true;
    wait(b, callee, &(struct waiting){.caller = t->routine, .rva = in->next, .facts = t->facts});
    return false;
}

static void keep_table(struct blocks *b, const struct task *t, const struct instruction *in,
                       const struct value *value) {
    struct table *grown = blocks_grow(b, b->tables, b->table_count, sizeof *grown);
    if (!grown)
        return;
    b->tables = grown;
    grown[b->table_count++] = (struct table){in->rva, t->routine, *value};
}

static void jump(struct blocks *b, struct task *t, const struct instruction *in) {
    struct blocks_function f;
    struct value value;
    uint64_t target = relative_target(in);
    if (!is_relative(in)) {
        if (facts_target(b, &t->facts, in, &value)) {
            keep_table(b, t, in, &value);
        } else if (!is_import(in, b->no_return, b->no_return_count)) {
            b->not_followed += in->operand[0].type != ZYDIS_OPERAND_TYPE_MEMORY ||
                               in->operand[0].mem.base != ZYDIS_REGISTER_RIP;
            returns(b, t->routine);
        }
        return;
    }
    if (target >> 32 || !blocks_code_left(b, target)) {
        b->refused++;
        return;
    }
    bool begins =
        b->entry_at[target] || (blocks_function_of(b, (uint32_t)target, &f) && f.begin == target && !f.part);
    if (!begins) {
        blocks_add_place(b, (uint32_t)target, t->routine, &t->facts);
        return;
    }
    blocks_add_routine(b, (uint32_t)target);
    b->seen[target] |= SEEN_BLOCK;
    join(b, t->routine, b->entry_at[target]);
}

static bool branch(struct blocks *b, struct task *t, const struct instruction *in) {
    struct facts taken = t->facts;
    uint64_t target = relative_target(in);
    facts_branch(&taken, in->i.mnemonic, true);
    facts_branch(&t->facts, in->i.mnemonic, false);
    if (is_relative(in) && !(target >> 32))
        blocks_add_place(b, (uint32_t)target, t->routine, &taken);
    return true;
}

static bool stops(const struct instruction *in) {
    switch (in->i.mnemonic) {
    case ZYDIS_MNEMONIC_UD2:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_HLT:
    case ZYDIS_MNEMONIC_IRET:
    case ZYDIS_MNEMONIC_IRETD:
    case ZYDIS_MNEMONIC_IRETQ:
    case ZYDIS_MNEMONIC_SYSRET:
        return true;
    case ZYDIS_MNEMONIC_INT: /* 29h: fail fast */
        return in->operand[0].imm.value.u == 0x29;
    default:
        return false;
    }
}

/* What it refers to as data ends a table before it; code that it refers to may be a function. */
static void note_references(struct blocks *b, const struct instruction *in) {
    for (unsigned i = 0; i < in->i.operand_count_visible; i++) {
        const ZydisDecodedOperand *o = &in->operand[i];
        uint64_t at = in->next + (uint64_t)o->mem.disp.value;
        if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.base != ZYDIS_REGISTER_RIP ||
            at >= b->pe->image_size)
            continue;
        if (in->i.mnemonic == ZYDIS_MNEMONIC_LEA && blocks_code_left(b, at))
            blocks_add_candidate(b, (uint32_t)at);
        b->seen[at] |= in->i.mnemonic == ZYDIS_MNEMONIC_LEA ? SEEN_DATA : SEEN_DATA | SEEN_READ;
    }
}

/* true: the next instruction can follow. */
static bool step(struct blocks *b, struct task *t, const struct instruction *in) {
    note_references(b, in);
    facts_after(b, &t->facts, in);
    switch (in->i.meta.category) {
    case ZYDIS_CATEGORY_RET:
        b->seen[in->rva] |= SEEN_END;
        returns(b, t->routine);
        return false;
    case ZYDIS_CATEGORY_UNCOND_BR:
        b->seen[in->rva] |= SEEN_END;
        jump(b, t, in);
        return false;
    case ZYDIS_CATEGORY_COND_BR:
        b->seen[in->rva] |= SEEN_END;
        return branch(b, t, in);
    case ZYDIS_CATEGORY_CALL:
        return call(b, t, in);
    default:
        if (!stops(in))
            return true;
        b->seen[in->rva] |= SEEN_END;
        return false;
    }
}

/* --- a run of them */

/* The first address that code at rva cannot run on to: the end of its function, the next one's beginning. */
static uint32_t limit_of(const struct blocks *b, uint32_t rva) {
    struct blocks_function f;
    if (blocks_function_of(b, rva, &f))
        return f.end;
    uint32_t end = rva + blocks_code_left(b, rva), next = blocks_next_function(b, rva);
    return next < end ? next : end;
}

static bool claim(struct blocks *b, const struct instruction *in, uint32_t limit, uint32_t routine) {
    for (uint32_t i = in->rva; i < in->next; i++)
        if (in->next > limit || (b->seen[i] & (SEEN_START | SEEN_INSIDE)))
            return false;
    b->seen[in->rva] |= SEEN_START;
    b->routine_at[in->rva] = routine;
    for (uint32_t i = in->rva + 1; i < in->next; i++)
        b->seen[i] |= SEEN_INSIDE;
    return true;
}

/* Function after function where one is a part of the other; else code does not run on. */
static bool runs_on(const struct blocks *b, uint32_t rva, uint32_t *limit) {
    struct blocks_function f;
    if (rva < *limit)
        return true;
    if (!blocks_function_of(b, rva, &f) || f.begin != rva || !f.part)
        return false;
    *limit = f.end;
    return true;
}

static void run(struct blocks *b, struct task *t) {
    uint32_t limit = limit_of(b, t->rva);
    struct instruction in;
    for (;;) {
        if (b->seen[t->rva] & SEEN_START) {
            join(b, t->routine, b->routine_at[t->rva]);
            return;
        }
        if (!blocks_decode(b, t->rva, &in) || !claim(b, &in, limit, t->routine)) {
            b->refused++;
            return;
        }
        if (!step(b, t, &in))
            return;
        if (!runs_on(b, in.next, &limit)) {
            b->refused++;
            return;
        }
        if (b->seen[in.rva] & SEEN_END) /* behind a conditional jump */
            b->seen[in.next] |= SEEN_BLOCK;
        t->rva = in.next;
    }
}

void blocks_walk(struct blocks *b) {
    while (b->task_count && !b->out_of_memory) {
        struct task task = b->tasks[--b->task_count];
        run(b, &task);
    }
}
