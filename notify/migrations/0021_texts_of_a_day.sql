-- By it is found how many texts a contact was sent within a day.
create index mails_of_texts on mails (contact_id, created_at) where channel = 'text';
