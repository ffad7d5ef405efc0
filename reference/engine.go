package reference

import "sync"

// direction holds the three stages of encap or decap. recv and deliver each run on one goroutine and keep
// the order of packets. process may run on any goroutine.
type direction[B any] struct {
	make    func() B
	recv    func(B) error // waits for packets; io.EOF ends the direction
	process func(B)
	deliver func(B)
}

// run runs the three stages on the calling goroutine, batch after batch. If fresh, it allocates new
// buffers for each batch.
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

// poolBatches is the number of batches in a pool for each worker: one batch in process, one waiting for
// process and one waiting for deliver. When all batches are in use, the pool stops receiving. In an overload
// the kernel's queue then fills, and the kernel drops packets before the tunnel has spent work on them.
const poolBatches = 3

// job is a batch in a pool.
type job[B any] struct {
	batch B
	done  chan struct{} // holds one element once the batch is processed
}

// pool runs process on several workers. deliver waits for the oldest batch, so that batches leave in
// the order of receiving.
//
//	            +--> process --+
//	recv --+----+--> process --+     (queue of batches, bounded)
//	       |                   |
//	       +--> order ---------+--> deliver --> free --> recv
//
// pool starts each goroutine through starting, which has to call routine. It can first lock the
// goroutine to a thread.
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
