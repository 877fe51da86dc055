-- The facts that had their effect here when a source's raised epoch was accepted: what that source decides again from the
-- same cause is told by them, and has none.
create table pipeline.handled_before (
    id uuid primary key
);
