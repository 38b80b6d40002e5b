package engine

import (
	"context"

	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// undoChunk is how many records one transaction of an undo deletes at most.
const undoChunk = 200

// UndoImport deletes what an import created and nothing else, the last record
// first, under the rights of p as the mutation would: Forbidden where a record
// may not be deleted, with what was deleted before it recorded in the job.
// Records that are gone or out of reach are counted in Left. Interrupted, it
// goes on where it was when it is called again. progress may be nil.
func (e *Engine) UndoImport(ctx context.Context, p identity.Principal, application, id string, progress func(ImportJob)) (ImportJob, error) {
	if progress == nil {
		progress = func(ImportJob) {}
	}
	size := undoChunk
	for {
		job, err := e.undoStep(ctx, p, application, id, size)
		if err != nil && fault.KindOf(err) == fault.Limit && size > 1 {
			size /= 2
			continue
		}
		if err != nil {
			return job, err
		}
		progress(job)
		if job.State == ImportUndone {
			return job, nil
		}
	}
}

// undoStep deletes at most size records of the last chunk.
func (e *Engine) undoStep(ctx context.Context, p identity.Principal, application, id string, size int) (ImportJob, error) {
	var job ImportJob
	err := e.Write(ctx, p, application, "undoImport", func(op *Op) error {
		var err error
		if job, err = op.importJob(id); err != nil {
			return err
		}
		if job.State == ImportUndone {
			return nil
		}
		if err := op.formOfImport(&job); err != nil {
			return err
		}
		job.State = ImportUndoing
		if job.Chunks > 0 {
			if err := op.undoLast(&job, size); err != nil {
				return err
			}
		}
		if job.Chunks == 0 {
			job.State = ImportUndone
		}
		return op.putImport(&job)
	})
	return job, err
}

func (op *Op) undoLast(job *ImportJob, size int) error {
	last := job.Chunks - 1
	ids, err := op.importIDs(job, last)
	if err != nil {
		return err
	}
	keep := max(0, len(ids)-size)
	for i := len(ids) - 1; i >= keep; i-- {
		if err := op.undoRecord(job, ids[i]); err != nil {
			return err
		}
	}
	if keep > 0 {
		return op.putImportIDs(job, last, ids[:keep])
	}
	job.Chunks--
	return op.txn.PutSecret(spaceJob, importIDsKey(op.app.def.Name, job.ID, last), nil)
}

func (op *Op) undoRecord(job *ImportJob, id record.ID) error {
	err := op.Delete(job.Number, id, 0)
	switch {
	case err == nil:
		job.Removed++
	case fault.KindOf(err) == fault.NotFound:
		job.Left++
	default:
		return err
	}
	return nil
}
