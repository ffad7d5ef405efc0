package reference

import "sync"

// direction is the three stages that a batch goes through. recv and deliver keep
// the order of packets, each on one goroutine; any goroutine may process.
type direction[B any] struct {
	make    func() B
	recv    func(B) error // waits; io.EOF ends the direction
	process func(B)
	deliver func(B)
}

// run takes every batch through all stages on the calling goroutine. fresh
// makes new buffers for each.
func (d direction[B]) run(fresh bool) error {
	b := d.make()
	for {
		if err := d.recv(b); err != nil {
			return err
		}
		d.process(b)
		d.deliver(b)
		if fresh {
			b = d.make()
		}
	}
}

// poolBatches is how many batches a pool has for each worker: one in work, one
// before it and one behind it. When all are in use nothing is taken: the queue
// that overflows is the kernel's, in front of everything.
const poolBatches = 3

// job is a batch on its way through a pool.
type job[B any] struct {
	batch B
	done  chan struct{} // holds one element once the work is done
}

// pool has workers do the work in parallel. The order is that of taking: give
// waits for the oldest batch, whoever is done before.
//
//	            +--> work --+
//	take --+----+--> work --+     (queue of batches, bounded)
//	       |                |
//	       +--> order ------+--> give --> free --> take
//
// starting calls each goroutine's function, so that the caller can give it a
// thread; it must call it.
func (d direction[B]) pool(workers int, fresh bool, starting func(routine func())) error {
	batches := poolBatches * workers
	free, work, order := make(chan *job[B], batches), make(chan *job[B], batches), make(chan *job[B], batches)
	for range batches {
		free <- &job[B]{batch: d.make(), done: make(chan struct{}, 1)}
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			starting(func() {
				for j := range work {
					d.process(j.batch)
					j.done <- struct{}{}
				}
			})
		})
	}
	all.Go(func() {
		starting(func() {
			for j := range order {
				<-j.done
				d.deliver(j.batch)
				if fresh {
					j.batch = d.make()
				}
				free <- j
			}
		})
	})
	var err error
	for err == nil {
		j := <-free
		if err = d.recv(j.batch); err == nil {
			order <- j
			work <- j
		}
	}
	close(work)
	close(order)
	all.Wait()
	return err
}
