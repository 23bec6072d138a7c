//! The steps that bring a Roster database to the current schema.
