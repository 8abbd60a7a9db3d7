/* Threads that wait for work: a while awake, since layers follow each other within microseconds, then asleep. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>

#include "runtime.h"

enum { spins = 4000 };

struct rt_workers {
  int threads;
  pthread_t thread[rt_max_threads];
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  rt_work work;
  void* context;
  unsigned round; /* of work; written under the mutex */
  int stop;
  unsigned waiting, meetings; /* of rt_workers_meet */
  size_t next;
  int number; /* given to the threads as they start */
};

size_t rt_workers_bytes(int threads) { return threads > 1 ? sizeof(rt_workers) : 0; }

static void pause_a_little(unsigned* turn) {
  if (++*turn > spins) sched_yield();
}

void rt_workers_meet(rt_workers* w) {
  const unsigned meeting = __atomic_load_n(&w->meetings, __ATOMIC_ACQUIRE);
  unsigned turn = 0;
  if (__atomic_add_fetch(&w->waiting, 1, __ATOMIC_ACQ_REL) == (unsigned)w->threads) {
    __atomic_store_n(&w->waiting, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&w->meetings, meeting + 1, __ATOMIC_RELEASE);
    return;
  }
  while (__atomic_load_n(&w->meetings, __ATOMIC_ACQUIRE) == meeting) pause_a_little(&turn);
}

size_t rt_workers_next(rt_workers* w) { return __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED); }

static void* worker(void* argument) {
  rt_workers* w = argument;
  const int thread = __atomic_fetch_add(&w->number, 1, __ATOMIC_RELAXED);
  unsigned seen = 0;
  for (;;) {
    unsigned turn = 0;
    while (__atomic_load_n(&w->round, __ATOMIC_ACQUIRE) == seen && turn < spins) ++turn;
    pthread_mutex_lock(&w->mutex);
    while (w->round == seen) pthread_cond_wait(&w->wake, &w->mutex);
    seen = w->round;
    const int stop = w->stop;
    pthread_mutex_unlock(&w->mutex);
    if (stop) return NULL;
    w->work(w->context, thread);
    rt_workers_meet(w);
  }
}

static void begin_round(rt_workers* w) {
  pthread_mutex_lock(&w->mutex);
  __atomic_store_n(&w->round, w->round + 1, __ATOMIC_RELEASE);
  pthread_cond_broadcast(&w->wake);
  pthread_mutex_unlock(&w->mutex);
}

static void join_all(rt_workers* w, int started) {
  pthread_mutex_lock(&w->mutex);
  w->stop = 1;
  pthread_mutex_unlock(&w->mutex);
  begin_round(w);
  for (int i = 1; i < started; ++i) pthread_join(w->thread[i], NULL);
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->mutex);
}

int rt_workers_start(rt_workers* w, int threads) {
  w->threads = threads;
  w->number = 1;
  w->round = w->waiting = w->meetings = 0;
  w->stop = 0;
  if (pthread_mutex_init(&w->mutex, NULL) != 0) return 0;
  if (pthread_cond_init(&w->wake, NULL) != 0) {
    pthread_mutex_destroy(&w->mutex);
    return 0;
  }
  for (int i = 1; i < threads; ++i) {
    if (pthread_create(&w->thread[i], NULL, worker, w) != 0) {
      join_all(w, i);
      return 0;
    }
  }
  return 1;
}

void rt_workers_stop(rt_workers* w) { join_all(w, w->threads); }

void rt_workers_run(rt_workers* w, rt_work work, void* context) {
  w->work = work;
  w->context = context;
  __atomic_store_n(&w->next, 0, __ATOMIC_RELAXED);
  begin_round(w);
  work(context, 0);
  rt_workers_meet(w);
}
