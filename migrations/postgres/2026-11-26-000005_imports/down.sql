DROP TABLE batch_files;
DROP TABLE imports;
