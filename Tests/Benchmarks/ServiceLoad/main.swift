ServiceLoad.main()
