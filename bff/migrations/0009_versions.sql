-- campaign-events: what a version of the terms is to who accepted the one before. campaigns.terms_version is the newest, in force or not.
alter table terms
    add column text_hash text,
    add column worsens   boolean;
