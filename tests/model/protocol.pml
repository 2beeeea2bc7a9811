/* The protocol of docs/architecture.md, small enough for a machine to look at everything that may happen.
 *
 * One slice of an API with three records is collected by two collectors, two workers and a planner. What may happen at any
 * time in reality happens here in every order: processes die, stand still and go on later, answers get lost, Redis is wiped
 * or set back to an older copy, Postgres is set back. tests/model/run searches all of it; docs/model.md tells what that found.
 *
 * A d_step is what is atomic in reality: a Lua script in Redis, or a transaction in Postgres. Read it beside the table of
 * steps in docs/architecture.md; each step names its place in the code.
 *
 * Left out, because nothing of it decides what is stored: time (a lease may lapse whenever it likes), quota and room, batches
 * (pages stored one by one may be stored in more orders), shards (a worker may take any page, as if it had just taken over
 * the shard), other slices (they share no state with this one). docs/model.md has the whole list.
 */

/* ==== Settings, with -D =============================================================================================== */

#ifndef WIPES
#define WIPES 0      /* how often Redis loses everything */
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 0  /* how often Redis is set back to a copy of any earlier moment: a restored backup, a failover */
#endif
#ifndef SETBACKS
#define SETBACKS 0   /* how often Postgres is set back to any earlier commit: a restored backup, a failover */
#endif
#ifndef STALLS
#define STALLS 0     /* how often the planner stands still for more than a minute between two steps of an offer */
#endif
/* LIVENESS          faults stop at some time, and then the slice must finish: see `calm` and `finishes`
 * ZOMBIES           follow collectors that have lost their lease to the end, see `tidy`
 * SHORTEST          for a breadth-first search; does not exchange like processes, so that the counterexample can be read */

/* Faults that are built in on purpose. The search must find each of them, else it would not find them in the protocol. */
#ifdef NO_LINK               /* the tip is compared by number alone */
#define CONTINUES(me, link) (true)
#else
#define CONTINUES(me, link) (behind[me] == link)
#endif
#ifdef NO_NONCE              /* whoever has the link may put a page on the queue */
#define HOLDS(me) (true)
#else
#define HOLDS(me) (redis.nonce == me)
#endif
#ifdef ACK_FIRST             /* a page leaves the queue before it is stored */
#define ACK_AT_ONCE(link) acknowledge(link, false)
#else
#define ACK_AT_ONCE(link) skip
#endif
#ifdef FRONTIER_OUTSIDE      /* the frontier moves in a second script */
#define MOVE_FRONTIER(link) skip
#define SECOND_SCRIPT true
#else
#define MOVE_FRONTIER(link) move_frontier(link)
#define SECOND_SCRIPT false
#endif
#ifdef SEED_WITHOUT_PURGE    /* the dead branch stays on the queue */
#define PURGE skip
#else
#define PURGE purge_chain()
#endif
#ifdef LEDGER_OUTSIDE        /* the ledger row has a transaction of its own */
#define WRITE_LEDGER(n, link) skip
#define COMMITTED unbooked
#else
#define WRITE_LEDGER(n, link) ledger[n] = link
#define COMMITTED stored
#endif
#ifdef SEED_ALWAYS           /* LIVENESS: a slice is seeded although a page on the queue continues its tip */
#define CHAINED(link) (false)
#else
#define CHAINED(link) (redis.queue[SEQ(link) + 1] != NONE && redis.previous[SEQ(link) + 1] == link)
#endif
/* and with LIVENESS: PARK_AT_HEAD    a page behind a gap is tried again before any other
 *                    NO_SECOND_LOOK  what was read once is not read again, neither later nor after the reader's death */
#ifdef NO_SECOND_LOOK
#define READ_AGAIN(me) skip
#else
#define READ_AGAIN(me) turn[me] = 1
#endif

/* Paths that must occur, else a search has not looked at them: with -DPATH=NAME, walking the path is an error that must be found. */
#ifdef PATH
#define DUPLICATE_PUT 1
#define FENCED 2
#define BEHIND 3
#define BEHIND_THE_END 4
#define CHAINED_OFFER 5
#define SAME 6
#define SEEDED 7
#define RESEEDED 8
#define FORCED 9
#define COMMITTED_LAST 10
#define DUPLICATE 11
#define SUPERSEDED 12
#define FINISHED 13
#define GAP 14
#define FORK 15
#define path(name) assert(PATH != name)
#else
#define path(name) skip
#endif

/* ==== Pages =========================================================================================================== */

#define ITEMS 3        /* records of the API: 0, 1, 2 */
#define PAGES 3        /* a page has at least one of them */

/* A page has one record or two, and the API decides anew at each request (records appear and vanish while it is paged). So two
 * walks may cut the list into different pages of the same number: a number is not an identity, and neither is a cursor that
 * is a number.
 *
 * A page is known by its link. In reality it is random, hence equal to no other. Here it tells the page's number, before which
 * record it ends, and a tag that sets it apart from all links that anybody still has (`draw_link`). The cursor that asks for
 * the page behind it is TO; so a job is the link of its page and the link of the page before. */
#define LINK(seq, to, tag) (((seq) << 6) | ((to) << 4) | (tag))
#define SEQ(link) ((link) >> 6)
#define TO(link) (((link) >> 4) & 3)
#define LAST(link) (TO(link) == ITEMS)
#define FROM(previous) TO(previous)
#define TAG(link) ((link) & 15)
#define NAME(link) SEQ(link), TO(link), TAG(link)  /* for printf, "page %d.%d.%d" */
#define GENESIS 0      /* the tip of a slice without pages */
#define NONE 255
#define DEAD 15        /* tag of a page that nobody has any more, only the job behind it names it: equal to no tip, no frontier */

/* ==== State =========================================================================================================== */

/* Postgres */
byte tip = GENESIS;             /* pawl.slice.tip_link; tip_seq and tip_cursor are SEQ and TO of it */
bool done;                      /* pawl.slice.state */
byte outcomes;                  /* pawl.outcome_total: how often the slice was counted as ended */
byte ledger[PAGES + 1] = NONE;  /* pawl.page.link, by seq */
byte rows[ITEMS];               /* the user's table, without a key: how often each record is in it */

/* Redis */
#define NOBODY 2
typedef Redis {
    bool known;                 /* slice:<id> is there */
    byte frontier;              /* slice:<id> link; its seq, cur and done are SEQ, TO and LAST of it */
    byte nonce;                 /* slice:<id> nonce: which collector has it. NOBODY: no lease, or one that only a lapse ends */
    byte acked;                 /* slice:<id> ack */
    byte ended;                 /* ended:<id>: number of the last page; 0: none */
    byte queue[PAGES + 1];      /* queue:<shard>: the pages on it, by number, … */
    byte previous[PAGES + 1]    /* … and the pages they continue. chain:<id> is the same, from the previous link to the page */
};
Redis redis;
Redis copy;                     /* what a rollback goes back to */
bool copied;

/* Memory of processes, gone when they die */
byte at[2] = NONE;              /* collector: page that it goes on from; NONE: it holds no slice */
byte sent[2] = NONE;            /* collector: page that it sent to the queue and had no answer for */
byte job[2] = NONE;             /* worker: page in its hand, … */
byte behind[2] = NONE;          /* … the page which that one continues, … */
mtype = { held, unbooked, stored, refused };
mtype stage[2] = held;          /* … and what became of it */
byte turn[2] = 1;               /* LIVENESS, worker: number from which on it reads the shard */
mtype = { idle, has_read, was_behind, read_the_same, read_another, must_force };
mtype planning = idle;          /* planner: where it is in an offer, … */
byte seen = NONE;               /* … and the tip that it read from Postgres, some time ago */

/* Faults that may still come, and what properties ask of the past */
byte wipes = WIPES, rollbacks = ROLLBACKS, setbacks = SETBACKS, stalls = STALLS;
#define FORGOT (wipes + rollbacks + setbacks + stalls < WIPES + ROLLBACKS + SETBACKS + STALLS)
byte taken;                     /* number of the last page that the queue took */
bool calm;                      /* LIVENESS: from now on nothing fails any more */
#ifdef LIVENESS
#define IN_ORDER true           /* of the shard; else: a worker takes any page, which is safe as well */
#else
#define IN_ORDER false
#endif

/* No state: set before use in each step. (Spin's breadth-first search, which finds the shortest counterexample, wants them not
 * hidden.) */
#ifdef SHORTEST
#define hidden
#endif
hidden byte i, n, fresh, before, answer;
hidden short tags[16];          /* by number and end of a page: tags of the links that somebody has */

/* ==== Properties ====================================================================================================== */

/* Holds after every step. */
inline check() {
    /* Exactly once: the table has each record before the tip's end one time, and no other. The table has no key that would
     * hide a record stored twice. */
    for (i : 0 .. ITEMS - 1) { assert(rows[i] == (i < TO(tip))) }
    /* The ledger has a row for each page up to the tip, and for no other; it ends where the table ends. */
    if
    :: stage[0] != unbooked && stage[1] != unbooked ->
        for (i : 1 .. PAGES) { assert((ledger[i] != NONE) == (i <= SEQ(tip))) }
        assert(tip == GENESIS || ledger[SEQ(tip)] == tip)
    :: else
    fi;
    /* A slice that is done has all records, and ended once. */
    assert(done == LAST(tip));
    assert(outcomes == done);
    /* What is on the queue is one branch, and the frontier is its end: a page is queued if and only if the frontier moved. */
#ifndef FRONTIER_OUTSIDE
    for (i : 1 .. PAGES) {
        if
        :: redis.queue[i] != NONE ->
            assert(redis.known && i <= SEQ(redis.frontier));
            assert(i < SEQ(redis.frontier) || redis.queue[i] == redis.frontier);
            assert(redis.queue[i - 1] == NONE || redis.queue[i - 1] == redis.previous[i])
        :: else
        fi
    }
#endif
    i = 0
}
/* Three more are where they can be seen to fail: in `advance` (who holds a lease is not refused; no page is asked for twice)
 * and in `Planner` (Redis is not ahead of Postgres). They are about work, not about data, and hold while no store forgets. */

#ifdef LIVENESS
ltl finishes { [] (calm -> <> done) }
#endif

/* ==== Links and equal states (of the model, not of the protocol) ======================================================= */

inline note(link) {
    if :: link != NONE -> tags[link >> 4] = tags[link >> 4] | (1 << (link & 15)) :: else fi
}
inline note_links() {
    for (i : 0 .. 15) { tags[i] = 0 }
    note(GENESIS);  /* Postgres may come back to it */
    note(tip); note(seen); note(redis.frontier); note(copy.frontier);
    for (i : 1 .. PAGES) { note(ledger[i]); note(redis.queue[i]); note(copy.queue[i]) }
    for (i : 0 .. 1) { note(at[i]); note(sent[i]); note(job[i]) }
}
/* A link for page `seq` that ends before record `to`, which nobody has. */
inline draw_link(seq, to) {
    note_links();
    n = 0;
    do
    :: tags[LINK(seq, to, 0) >> 4] & (1 << n) -> n++
    :: else -> break
    od;
    assert(n < DEAD);
    fresh = LINK(seq, to, n)
}
inline bury(link) {
    if :: link != NONE && !(tags[link >> 4] & (1 << (link & 15))) -> link = link | DEAD :: else fi
}
inline swap(a, b) { n = a; a = b; b = n }
inline swap_holder(who) { if :: who != NOBODY -> who = 1 - who :: else fi }

/* Ends every step: states that cannot be told apart by what follows are made equal. */
inline tidy() {
#if !defined(ZOMBIES) && !defined(NO_NONCE)
    /* A collector whose nonce neither Redis nor its copy has will be refused whatever it does, and changes nothing until then:
     * it may as well have let go. (With ZOMBIES it goes on until it is refused.) */
    for (i : 0 .. 1) {
        if :: at[i] != NONE && redis.nonce != i && copy.nonce != i -> at[i] = NONE; sent[i] = NONE :: else fi
    }
#endif
    note_links();
    for (i : 1 .. PAGES) { bury(redis.previous[i]); bury(copy.previous[i]) }
    for (i : 0 .. 1) { bury(behind[i]) }
    if :: FORGOT -> taken = 0 :: else fi;
#if !defined(LIVENESS) && !defined(SHORTEST)
    /* The two workers are alike, and so are the two collectors. */
    if
    :: job[0] > job[1] || (job[0] == job[1] && (behind[0] > behind[1] || (behind[0] == behind[1] && stage[0] > stage[1]))) ->
        swap(job[0], job[1]); swap(behind[0], behind[1]); swap(stage[0], stage[1])
    :: else
    fi;
    if
    :: at[0] > at[1] || (at[0] == at[1] && (sent[0] > sent[1] || (sent[0] == sent[1] && redis.nonce == 1))) ->
        swap(at[0], at[1]); swap(sent[0], sent[1]); swap_holder(redis.nonce); swap_holder(copy.nonce)
    :: else
    fi;
#endif
    n = 0; fresh = 0; before = 0; answer = 0;
    check()
}

/* ==== Redis: each of these is one script =============================================================================== */

mtype = { ok, duplicate, fenced, tip_is_behind, chained, waits, seeded };

/* purge_chain and drop_slice, queue/redis_script.cpp */
inline purge_chain() {
    for (i : 1 .. PAGES) { redis.queue[i] = NONE; redis.previous[i] = NONE }
}
inline drop_slice() {
    purge_chain();
    redis.known = false; redis.frontier = NONE; redis.nonce = NOBODY; redis.acked = 0
}

inline move_frontier(link) {
    redis.frontier = link;
    if :: LAST(link) -> redis.nonce = NOBODY :: else fi
}

/* advance_script, queue/frontier_scripts.hpp: collector `me` puts page `link` on the queue, which continues `prev`. */
inline advance(me, link, prev) {
    if
    :: redis.known && redis.frontier == link -> path(DUPLICATE_PUT); answer = duplicate
    :: else ->
        if
        :: !redis.known || !HOLDS(me) || redis.frontier != prev || LAST(redis.frontier) ->
            path(FENCED);
            answer = fenced;
            assert(FORGOT || redis.nonce != me)  /* who holds the lease is not refused, unless a store forgot something */
        :: else ->
            answer = ok;
            n = SEQ(link);
            assert(FORGOT || n > taken);         /* and no page is asked for again that the queue has taken */
            taken = n;
            redis.queue[n] = link; redis.previous[n] = prev;
            for (i : 0 .. 1) { if :: turn[i] > n -> turn[i] = n :: else fi }  /* it lies behind all that was read */
            MOVE_FRONTIER(link)
        fi
    fi
}

/* lease_script, queue/frontier_scripts.hpp: a slice that waits, or whose lease has lapsed. Any lease may lapse; when all is calm,
 * only that of a process that is gone. */
#define MAY_LEASE (redis.known && !LAST(redis.frontier) && (!calm || redis.nonce == NOBODY))

/* offer_script, queue/frontier_scripts.hpp: offers the slice and, where needed, seeds it from the tip. */
inline offer(with_tip, force) {
    n = SEQ(with_tip);
    if
    :: !force && !redis.known && redis.ended > n -> path(BEHIND_THE_END); answer = tip_is_behind
    :: !force && redis.known && redis.acked > n -> path(BEHIND); answer = tip_is_behind
    :: else ->
        if
        :: redis.known && CHAINED(with_tip) -> path(CHAINED_OFFER); answer = chained
        :: redis.known && !CHAINED(with_tip) && redis.frontier == with_tip -> path(SAME); answer = waits  /* or is leased */
        :: else ->
            if :: redis.known -> path(RESEEDED) :: else -> path(SEEDED) fi;
            answer = seeded;
            PURGE;
            redis.known = true; redis.frontier = with_tip; redis.nonce = NOBODY; redis.acked = n
        fi
    fi
}

/* acknowledge_script, queue/page_queue_scripts.hpp */
inline acknowledge(link, committed) {
    n = SEQ(link);
    if :: redis.queue[n] == link -> redis.queue[n] = NONE; redis.previous[n] = NONE :: else fi;
    if
    :: committed && LAST(link) -> drop_slice(); redis.ended = n
    :: committed && !LAST(link) && redis.known && redis.acked < n -> redis.acked = n
    :: else
    fi
}

/* ==== Postgres: one transaction ======================================================================================== */

/* BatchWriter::write, storage/batch_writer.cpp. The tip moves (move_tips, storage/tip_move.cpp) and everything that belongs to
 * the page goes in with it; or nothing changes, and the page is judged (judge, storage/tip_verdict.cpp). */
inline commit(me) {
    n = SEQ(job[me]);
    if
    :: !done && SEQ(tip) == n - 1 && CONTINUES(me, tip) ->
        for (i : FROM(behind[me]) .. TO(job[me]) - 1) { rows[i]++ }
        tip = job[me];
        WRITE_LEDGER(n, tip);
        if :: LAST(tip) -> path(COMMITTED_LAST); done = true; outcomes++ :: else fi;
        answer = COMMITTED
    :: else ->
        if
        :: n <= SEQ(tip) && ledger[n] == job[me] -> path(DUPLICATE); answer = stored
        :: n <= SEQ(tip) && ledger[n] != job[me] -> path(SUPERSEDED); answer = refused  /* another page took this place */
        :: n > SEQ(tip) && done -> path(FINISHED); answer = refused                   /* superseded as well */
        :: n > SEQ(tip) + 1 && !done -> path(GAP); answer = held                      /* park */
        :: else -> path(FORK); answer = refused                                  /* and the slice is due: here it always is */
        fi
    fi
}

/* ==== Processes ======================================================================================================== */

/* Collector, collector/collector.cpp, and Walk, collector/walk.cpp */
inline let_go(me) {
    at[me] = NONE; sent[me] = NONE;
    if :: redis.nonce == me -> redis.nonce = NOBODY :: else fi;  /* released, or lapsed by and by: no one can use it again */
    if :: copy.nonce == me -> copy.nonce = NOBODY :: else fi
}
inline learn(me, link, is_lost) {
    if
    :: answer == fenced -> let_go(me)
    :: answer != fenced && is_lost -> sent[me] = link
    :: answer != fenced && !is_lost && LAST(link) -> let_go(me)
    :: else -> at[me] = link; sent[me] = NONE
    fi
}

proctype Collector(byte me) {
    byte size;
    bool is_lost;
end:
    do
    :: d_step { at[me] == NONE && MAY_LEASE ->            /* Collector::take_leases */
        let_go(me);
        redis.nonce = me; at[me] = redis.frontier;
        printf("collector %d leases the slice, to go on behind page %d.%d.%d\n", me, NAME(at[me]));
        tidy() }
    /* Walk::run: one request and its page on the queue. Between the two nobody sees the page, so they are one step. */
    :: atomic { at[me] != NONE && sent[me] == NONE ->
        if
        :: size = 1
        :: TO(at[me]) + 2 <= ITEMS -> size = 2
        fi;
        if
        :: is_lost = false
        :: !calm -> is_lost = true                        /* the answer, so that Walk::put asks again */
        fi;
        d_step {
            draw_link(SEQ(at[me]) + 1, TO(at[me]) + size);
            advance(me, fresh, at[me]);
            printf("collector %d puts page %d.%d.%d, records %d to %d, behind page %d.%d.%d: %e, answer lost: %d\n", me, NAME(fresh),
                   FROM(at[me]), TO(fresh) - 1, NAME(at[me]), answer, is_lost);
            learn(me, fresh, (is_lost || SECOND_SCRIPT));
            size = 0; is_lost = false;
            tidy() } }
    :: d_step { sent[me] != NONE ->                       /* Walk::put */
        fresh = sent[me];
#ifdef FRONTIER_OUTSIDE
        move_frontier(fresh); answer = ok;
#else
        advance(me, fresh, at[me]);
#endif
        printf("collector %d asks again for page %d.%d.%d: %e\n", me, NAME(fresh), answer);
        learn(me, fresh, false);
        tidy() }
    :: d_step { at[me] != NONE && !calm ->                /* dies, or hands the slice back */
        printf("collector %d dies\n", me);
        let_go(me);
        tidy() }
    od
}

/* Worker, worker/worker.cpp and worker/writing.cpp */
inline put_down(me) { job[me] = NONE; behind[me] = NONE; stage[me] = held }
#define READS(me, number) (redis.queue[number] != NONE && turn[me] <= number)
#define READS_ANY(me) (READS(me, 1) || READS(me, 2) || READS(me, 3))

proctype Worker(byte me) {
    byte number;
end:
    do
    :: atomic { job[me] == NONE && READS_ANY(me) ->       /* Worker::read_once */
        if                                                /* what comes first, or, to be on the safe side, anything */
        :: READS(me, 1) -> number = 1
        :: READS(me, 2) && (!IN_ORDER || !READS(me, 1)) -> number = 2
        :: READS(me, 3) && (!IN_ORDER || !READS(me, 1) && !READS(me, 2)) -> number = 3
        fi;
        d_step {
            job[me] = redis.queue[number]; behind[me] = redis.previous[number];
            ACK_AT_ONCE(job[me]);
            printf("worker %d reads page %d.%d.%d\n", me, NAME(job[me]));
            turn[me] = (IN_ORDER -> number + 1 : 1);
            number = 0;
            tidy() } }
#ifndef NO_SECOND_LOOK
    :: d_step { job[me] == NONE && turn[me] > 1 && !READS_ANY(me) ->  /* look_at_parked, look_for_missed */
        printf("worker %d reads again from the start\n", me);
        READ_AGAIN(me);
        tidy() }
#endif
    :: d_step { job[me] != NONE && stage[me] == held ->    /* Worker::commit */
        commit(me);
        printf("worker %d commits page %d.%d.%d: %e; the tip is page %d.%d.%d\n", me, NAME(job[me]), answer, NAME(tip));
        if
        :: answer != held -> stage[me] = answer; behind[me] = NONE
#ifdef PARK_AT_HEAD
        :: else
#else
        :: else -> put_down(me)    /* Hand::park: aside, others come first */
#endif
        fi;
        tidy() }
    :: d_step { job[me] != NONE && stage[me] == held && !calm ->  /* … in doubt: it is run again */
        commit(me);
        printf("worker %d commits page %d.%d.%d and does not learn: %e; the tip is page %d.%d.%d\n", me, NAME(job[me]), answer,
               NAME(tip));
        tidy() }
#ifdef LEDGER_OUTSIDE
    :: d_step { stage[me] == unbooked ->
        printf("worker %d writes the ledger for page %d.%d.%d\n", me, NAME(job[me]));
        ledger[SEQ(job[me])] = job[me]; stage[me] = stored;
        tidy() }
#endif
    :: d_step { stage[me] == stored || stage[me] == refused ->    /* Worker::settle */
        printf("worker %d acknowledges page %d.%d.%d: %e\n", me, NAME(job[me]), stage[me]);
        acknowledge(job[me], (stage[me] == stored));
        put_down(me);
        tidy() }
    :: d_step { (stage[me] == stored || stage[me] == refused) && !calm ->  /* … and does not learn it: it is told again */
        printf("worker %d acknowledges page %d.%d.%d and does not learn\n", me, NAME(job[me]));
        acknowledge(job[me], (stage[me] == stored));
        tidy() }
    :: d_step { (job[me] != NONE || turn[me] > 1) && !calm ->     /* dies */
        printf("worker %d dies\n", me);
        put_down(me);
        READ_AGAIN(me);                                   /* whoever takes over the shard reads it from its start */
        tidy() }
    od
}

/* Planner, collector/planner.cpp. One at a time; it may stand still between any two steps. When a slice is due is a matter of
 * time, so here it always is. */
inline offer_done() { planning = idle; seen = NONE }

proctype Planner() {
end:
    do
    :: d_step { planning == idle && !done ->          /* Catalogue::due_slices */
        seen = tip; planning = has_read;
        printf("planner reads the tip: page %d.%d.%d\n", NAME(seen));
        tidy() }
    :: d_step { planning == has_read ->               /* Planner::offer_once */
        offer(seen, false);
        printf("planner offers the slice behind page %d.%d.%d: %e\n", NAME(seen), answer);
        if :: answer == tip_is_behind -> planning = was_behind :: else -> offer_done() fi;
        tidy() }
    :: d_step { planning == was_behind ->             /* Planner::settle_behind: reads the tip again, … */
        if
        :: done -> offer_done()
        :: else -> planning = (seen == tip -> read_the_same : read_another); seen = tip
        fi;
        printf("planner reads the tip again: page %d.%d.%d\n", NAME(tip));
        tidy() }
    :: d_step { planning == read_another ->           /* … offers it, … */
        offer(seen, false);
        printf("planner offers the slice behind page %d.%d.%d: %e\n", NAME(seen), answer);
        offer_done();
        tidy() }
    :: d_step { planning == read_the_same ->
        offer(seen, false);
        printf("planner offers the slice behind page %d.%d.%d: %e\n", NAME(seen), answer);
        if :: answer == tip_is_behind -> planning = must_force :: else -> offer_done() fi;
        tidy() }
    :: d_step { planning == must_force ->             /* … and believes Postgres where Redis says the same twice */
        path(FORCED);
        assert(calm || setbacks < SETBACKS);          /* which means that Postgres was set back */
        offer(seen, true);
        printf("planner offers the slice behind page %d.%d.%d, by force\n", NAME(seen));
        offer_done();
        tidy() }
    :: d_step { planning != idle && !calm ->          /* dies */
        printf("planner dies\n");
        offer_done();
        tidy() }
    od
}

inline assign(to, from) {
    for (i : 1 .. PAGES) { to.queue[i] = from.queue[i]; to.previous[i] = from.previous[i] }
    to.known = from.known; to.frontier = from.frontier; to.nonce = from.nonce; to.acked = from.acked; to.ended = from.ended
}
inline forget_copy() {
    for (i : 0 .. PAGES) { copy.queue[i] = NONE; copy.previous[i] = NONE }
    copy.known = false; copy.frontier = NONE; copy.nonce = NOBODY; copy.acked = 0; copy.ended = 0;
    copied = false
}

proctype World() {
    byte pages;
end:
    do
    /* ended:<id> lives for a minute, and no offer takes so long, … */
    :: d_step { redis.ended != 0 && planning == idle ->
        redis.ended = 0;
        tidy() }
    /* … unless its process stands still. */
    :: d_step { redis.ended != 0 && planning != idle && stalls > 0 ->
        stalls--; redis.ended = 0;
        printf("the planner stands still for a minute\n");
        tidy() }
    :: d_step { wipes > 0 ->
        wipes--; drop_slice(); redis.ended = 0;
        printf("Redis is wiped\n");
        tidy() }
    :: d_step { rollbacks > 0 && !copied ->
        assign(copy, redis); copied = true;
        printf("Redis is copied\n");
        tidy() }
    :: d_step { rollbacks > 0 && copied ->
        rollbacks--; assign(redis, copy); forget_copy();
        printf("Redis is set back to the copy\n");
        tidy() }
    :: atomic { setbacks > 0 && tip != GENESIS ->
        if
        :: pages = 0
        :: SEQ(tip) > 1 -> pages = 1
        :: SEQ(tip) > 2 -> pages = 2
        fi;
        d_step {
            setbacks--;
            before = (pages == 0 -> GENESIS : ledger[pages]);
            for (i : TO(before) .. TO(tip) - 1) { rows[i]-- }
            for (i : pages + 1 .. SEQ(tip)) { ledger[i] = NONE }
            tip = before; done = false; outcomes = 0;
            printf("Postgres is set back to page %d\n", pages);
            pages = 0;
            tidy() } }
#ifdef LIVENESS
    :: d_step { !calm ->
        calm = true; wipes = 0; rollbacks = 0; setbacks = 0; stalls = 0; forget_copy();
        printf("from now on nothing fails\n");
        tidy() }
#endif
    od
}

init {
    d_step {
        redis.queue[0] = NONE; redis.previous[0] = NONE;
        drop_slice();
        forget_copy();
        tidy()
    }
    atomic { run Collector(0); run Collector(1); run Worker(0); run Worker(1); run Planner(); run World() }
}
