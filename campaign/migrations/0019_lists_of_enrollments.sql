-- Of everybody's enrollments the newest.
CREATE INDEX enrollments_by_position ON enrollments (position);
