-- By it is found what is due of each contact, also behind very much of another's.
create index mails_due_of_contact on mails (channel, contact_id, hurries, next_at, position) where state = 'pending';
